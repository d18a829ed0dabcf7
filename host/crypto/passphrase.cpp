#include "crypto/passphrase.h"

#include "crypto/openssl.h"

#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace respawn::crypto {

namespace {

constexpr std::uint8_t most_log2_n = 20, most_r = 32, most_p = 16;
constexpr std::uint64_t most_memory = std::uint64_t{ 1 } << 30;

std::uint64_t memory_of(const ScryptCost& cost) {
    return (std::uint64_t{ 128 } * cost.r) << cost.log2_n;
}

struct Free {
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};

OSSL_PARAM bytes_of(const char* name, std::string_view bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(bytes.data()), bytes.size());
}

} // namespace

Result<void> must_be_fair(const ScryptCost& cost) {
    if (cost.log2_n < least_cost.log2_n || cost.r < least_cost.r || cost.p < least_cost.p)
        return Error{ .kind = Kind::unsupported,
                      .why =
                          fmt::format("the passphrase's slot asks for too little work (N=2^{}, r={}, "
                                      "p={}): it would be quick to guess",
                                      cost.log2_n, cost.r, cost.p),
                      .fix = "somebody changed the vault, or another program made it; open it with "
                             "another key" };
    if (cost.log2_n > most_log2_n || cost.r > most_r || cost.p > most_p ||
        memory_of(cost) > most_memory)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("the passphrase's slot asks for more work than is sane "
                                         "(N=2^{}, r={}, p={})",
                                         cost.log2_n, cost.r, cost.p),
                      .fix = "somebody changed the vault, or another program made it; open it with "
                             "another key" };
    return {};
}

Result<std::string> scrypt(std::string_view passphrase, std::string_view salt, const ScryptCost& cost,
                           std::size_t size) {
    const std::unique_ptr<EVP_KDF, Free> kdf(EVP_KDF_fetch(nullptr, "SCRYPT", nullptr));
    must(kdf != nullptr);
    const std::unique_ptr<EVP_KDF_CTX, Free> context(EVP_KDF_CTX_new(kdf.get()));
    must(context != nullptr);
    std::uint64_t n = std::uint64_t{ 1 } << cost.log2_n, most = 2 * memory_of(cost) + (32 << 20);
    std::uint32_t r = cost.r, p = cost.p;
    const std::array parameters = { bytes_of(OSSL_KDF_PARAM_PASSWORD, passphrase),
                                    bytes_of(OSSL_KDF_PARAM_SALT, salt),
                                    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
                                    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
                                    OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
                                    OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &most),
                                    OSSL_PARAM_construct_end() };
    std::string bytes(size, '\0');
    if (EVP_KDF_derive(context.get(), out(bytes), size, parameters.data()) == 1)
        return bytes;
    ERR_clear_error();
    return Error{ .kind = Kind::no_space,
                  .why = fmt::format("a passphrase needs {} MiB of memory to open, which the machine "
                                     "does not give",
                                     memory_of(cost) >> 20),
                  .fix = "make room in memory, or open the vault with a key file" };
}

} // namespace respawn::crypto
