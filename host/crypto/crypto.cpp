#include "crypto/crypto.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/openssl.h"

#include <cstring>
#include <fmt/format.h>
#include <mutex>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace respawn::crypto {

namespace {

struct CipherFree {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, CipherFree>;

Cipher begin(const Key& key, std::string_view nonce, std::string_view associated, int encrypting) {
    must(nonce.size() == nonce_size);
    Cipher cipher(EVP_CIPHER_CTX_new());
    must(cipher != nullptr);
    must(EVP_CipherInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, in(key.bytes()), in(nonce),
                           encrypting) == 1);
    int ignored = 0;
    must(EVP_CipherUpdate(cipher.get(), nullptr, &ignored, in(associated),
                          static_cast<int>(associated.size())) == 1);
    return cipher;
}

constexpr std::size_t largest_secret = 4096;

Error not_a_key(const io::Path& path) {
    return Error{
        .kind = Kind::usage,
        .why = fmt::format("{} is no key file: it should hold 64 hex digits", printable(path.string())),
        .fix = "make one with `respawn init` or `openssl rand -hex 32`, or name the right file"
    };
}

} // namespace

Result<Key> Key::from_bytes(std::string_view bytes) {
    if (bytes.size() != size)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("a key has {} bytes, this has {}", size, bytes.size()) };
    Key key;
    std::memcpy(key.bytes_.data(), bytes.data(), size);
    return key;
}

Key Key::random() {
    Key key;
    must(RAND_priv_bytes(out(key.bytes_.data()), size) == 1);
    return key;
}

Key::~Key() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

bool Key::operator==(const Key& other) const {
    return CRYPTO_memcmp(bytes_.data(), other.bytes_.data(), size) == 0;
}

Result<Secret> read_secret_file(const io::Path& path) {
    const auto file = TRY(io::open_to_read(path));
    struct stat status {};
    if (::fstat(file.number(), &status) != 0)
        return io::system_error("look at", path, errno);
    const auto mode = status.st_mode & 07777;
    if (mode != 0600 && mode != 0400)
        return Error{ .kind = Kind::denied,
                      .why =
                          fmt::format("{} has mode {:o}; a secret's file has 600: only its owner may "
                                      "read it",
                                      printable(path.string()), mode),
                      .fix = fmt::format("chmod 600 {}", printable(path.string())) };
    std::string text(largest_secret + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) { // a pipe hands it over in parts
        const auto taken = ::read(file.number(), text.data() + size, text.size() - size);
        if (taken < 0)
            return io::system_error("read", path, errno);
        if (taken == 0)
            break;
        size += static_cast<std::size_t>(taken);
    }
    Secret secret(path.string(), std::string(trimmed(std::string_view(text).substr(0, size))));
    OPENSSL_cleanse(text.data(), text.size());
    if (size > largest_secret || secret.empty())
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is {}", printable(path.string()),
                                         secret.empty() ? "empty" : "too long for a secret") };
    return secret;
}

Result<Key> read_key_file(const io::Path& path) {
    const auto text = TRY(read_secret_file(path).while_doing("read the key", path.string()));
    auto bytes = from_hex(text.reveal());
    if (!bytes.ok() || bytes.value().size() != Key::size)
        return not_a_key(path);
    auto key = Key::from_bytes(bytes.value());
    OPENSSL_cleanse(bytes.value().data(), bytes.value().size());
    return key;
}

Result<Key> make_key_file(const io::Path& path) {
    const auto key = Key::random();
    TRY(io::make_folder(path.parent_path()));
    TRY(io::create_durably(path, to_hex(key.bytes()) + "\n", 0600));
    return key;
}

std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    must(RAND_bytes(out(bytes), static_cast<int>(size)) == 1);
    return bytes;
}

std::string sha256(std::string_view bytes) { return Hash().add(bytes).finish(); }

std::string hmac_sha256(const Key& key, std::string_view bytes) {
    std::string mac(32, '\0');
    unsigned size = 0;
    must(HMAC(EVP_sha256(), key.bytes().data(), Key::size, in(bytes), bytes.size(), out(mac), &size) !=
         nullptr);
    return mac;
}

namespace {

struct FreeMac {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

} // namespace

// A context that has made a MAC begins the next one without taking the key in or asking for memory:
// they are kept, as many as there were threads at once.
struct Mac::State {
    MacContext keyed;
    std::mutex lock;
    std::vector<MacContext> idle;

    MacContext take() {
        {
            const std::scoped_lock held(lock);
            if (!idle.empty()) {
                auto context = std::move(idle.back());
                idle.pop_back();
                return context;
            }
        }
        return MacContext(EVP_MAC_CTX_dup(keyed.get()));
    }
    void give_back(MacContext context) {
        const std::scoped_lock held(lock);
        idle.push_back(std::move(context));
    }
};

Mac::Mac(const Key& key) : state_(std::make_unique<State>()) {
    EVP_MAC* algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    must(algorithm != nullptr);
    state_->keyed.reset(EVP_MAC_CTX_new(algorithm));
    EVP_MAC_free(algorithm);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                      OSSL_PARAM_construct_end() };
    must(state_->keyed &&
         EVP_MAC_init(state_->keyed.get(), in(key.bytes()), Key::size, parameters) == 1);
}
Mac::~Mac() = default;

std::string Mac::operator()(std::string_view bytes) const {
    auto context = state_->take();
    std::string mac(32, '\0');
    std::size_t size = 0;
    must(context && EVP_MAC_init(context.get(), nullptr, 0, nullptr) == 1 &&
         EVP_MAC_update(context.get(), in(bytes), bytes.size()) == 1 &&
         EVP_MAC_final(context.get(), out(mac), &size, mac.size()) == 1);
    state_->give_back(std::move(context));
    return mac;
}

Key derive(const Key& from, std::string_view purpose) {
    struct Free {
        void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
    };
    const std::unique_ptr<EVP_PKEY_CTX, Free> context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr));
    must(context && EVP_PKEY_derive_init(context.get()) == 1);
    must(EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) == 1);
    must(EVP_PKEY_CTX_set1_hkdf_key(context.get(), in(from.bytes()), Key::size) == 1);
    must(EVP_PKEY_CTX_add1_hkdf_info(context.get(), in(purpose), static_cast<int>(purpose.size())) ==
         1);
    std::string bytes(Key::size, '\0');
    std::size_t size = bytes.size();
    must(EVP_PKEY_derive(context.get(), out(bytes), &size) == 1);
    auto key = Key::from_bytes(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return std::move(key).value();
}

struct Hash::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Hash::Hash() : state_(std::make_unique<State>()) {
    must(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}
Hash::~Hash() = default;
Hash::Hash(Hash&&) noexcept = default;

Hash& Hash::add(std::string_view bytes) {
    must(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
    return *this;
}

std::string Hash::finish() {
    std::string digest(32, '\0');
    must(EVP_DigestFinal_ex(state_->context, out(digest), nullptr) == 1);
    return digest;
}

std::string seal(const Key& key, std::string_view nonce, std::string_view associated,
                 std::string_view plain) {
    const auto cipher = begin(key, nonce, associated, 1);
    std::string sealed(plain.size() + tag_size, '\0');
    int written = 0;
    must(EVP_CipherUpdate(cipher.get(), out(sealed), &written, in(plain),
                          static_cast<int>(plain.size())) == 1);
    must(EVP_CipherFinal_ex(cipher.get(), out(sealed) + written, &written) == 1);
    must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_size,
                             sealed.data() + plain.size()) == 1);
    return sealed;
}

Result<std::string> open(const Key& key, std::string_view nonce, std::string_view associated,
                         std::string_view sealed) {
    const Error damaged{ .kind = Kind::corrupt,
                         .why = "the bytes are damaged, or were sealed under another key" };
    if (sealed.size() < tag_size)
        return damaged;
    const auto size = sealed.size() - tag_size;
    auto tag = std::string(sealed.substr(size));
    const auto cipher = begin(key, nonce, associated, 0);
    std::string plain(size, '\0');
    int written = 0;
    must(EVP_CipherUpdate(cipher.get(), out(plain), &written, in(sealed), static_cast<int>(size)) == 1);
    must(EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_size, tag.data()) == 1);
    if (EVP_CipherFinal_ex(cipher.get(), out(plain) + written, &written) != 1)
        return damaged;
    return plain;
}

std::string seal_box(const Key& key, std::string_view associated, std::string_view plain) {
    const auto nonce = random_bytes(nonce_size);
    return nonce + seal(key, nonce, associated, plain);
}

Result<std::string> open_box(const Key& key, std::string_view associated, std::string_view box) {
    if (box.size() < nonce_size + tag_size)
        return Error{ .kind = Kind::corrupt, .why = "the sealed bytes are cut short" };
    return open(key, box.substr(0, nonce_size), associated, box.substr(nonce_size));
}

} // namespace respawn::crypto
