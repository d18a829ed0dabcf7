#include "crypto/public_key.h"

#include "crypto/openssl.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

namespace respawn::crypto {

namespace {

struct FreePair {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using Pair = std::unique_ptr<EVP_PKEY, FreePair>;

Pair pair_of(const Key& secret) {
    Pair pair(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, in(secret.bytes()), Key::size));
    must(pair != nullptr);
    return pair;
}

// What both sides can compute. Some public keys, made to harm, lead to nothing.
Result<Key> shared(const Key& secret, std::string_view other) {
    const Error refused{ .kind = Kind::corrupt, .why = "there is no public key where one should be" };
    if (other.size() != public_key_size)
        return refused;
    const auto mine = pair_of(secret);
    const Pair theirs(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, in(other), other.size()));
    must(theirs != nullptr);
    const std::unique_ptr<EVP_PKEY_CTX, FreePair> context(EVP_PKEY_CTX_new(mine.get(), nullptr));
    must(context && EVP_PKEY_derive_init(context.get()) == 1);
    std::string bytes(Key::size, '\0');
    std::size_t size = bytes.size();
    const bool derived = EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1 &&
                         EVP_PKEY_derive(context.get(), out(bytes), &size) == 1;
    ERR_clear_error();
    if (!derived)
        return refused;
    auto key = Key::from_bytes(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

Key box_key(const Key& shared, std::string_view once, std::string_view to) {
    return derive(shared, "respawn sealed to" + std::string(once) + std::string(to));
}

} // namespace

std::string public_key_of(const Key& secret) {
    std::string bytes(public_key_size, '\0');
    std::size_t size = bytes.size();
    must(EVP_PKEY_get_raw_public_key(pair_of(secret).get(), out(bytes), &size) == 1);
    return bytes;
}

Result<std::string> seal_to(std::string_view to, std::string_view associated, std::string_view plain) {
    const auto once = Key::random();
    const auto sender = public_key_of(once);
    const auto key = box_key(TRY(shared(once, to)), sender, to);
    return sender + seal_box(key, associated, plain);
}

Result<std::string> open_sealed(const Key& secret, std::string_view associated,
                                std::string_view sealed) {
    const auto sender = sealed.substr(0, public_key_size);
    const auto key = box_key(TRY(shared(secret, sender)), sender, public_key_of(secret));
    return open_box(key, associated, sealed.substr(sender.size()));
}

} // namespace respawn::crypto
