// Hashes, key derivation, authenticated encryption, random bytes. OpenSSL 3 is included in this folder
// only. All functions are thread-safe.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "io/file.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace respawn::crypto {

// 32 secret bytes, wiped when they go.
class Key {
  public:
    static constexpr std::size_t size = 32;
    Key() = default;
    // Kind::usage when there are not exactly 32 bytes.
    static Result<Key> from_bytes(std::string_view bytes);
    static Key random();
    ~Key();
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    std::string_view bytes() const { return { bytes_.data(), bytes_.size() }; }
    bool operator==(const Key& other) const; // in constant time

  private:
    std::array<char, size> bytes_{};
};

// What a file holds (a passphrase, a key as digits), without blanks around it. Kind::denied when its
// mode is not 600 or 400, Kind::missing, Kind::usage when it is empty or has more than 4 KiB.
Result<Secret> read_secret_file(const io::Path& path);
// A key file: such a file with 64 hex digits; Kind::usage when it is no key.
Result<Key> read_key_file(const io::Path& path);
// A fresh key in a new file of mode 600. Kind::conflict when the file is there.
Result<Key> make_key_file(const io::Path& path);

std::string random_bytes(std::size_t size);

std::string sha256(std::string_view bytes); // 32 bytes
std::string hmac_sha256(const Key& key, std::string_view bytes);
// HMAC-SHA-256 under one key, many times: the key is taken in once. Thread-safe.
class Mac {
  public:
    explicit Mac(const Key& key);
    ~Mac();
    Mac(const Mac&) = delete;
    Mac& operator=(const Mac&) = delete;
    std::string operator()(std::string_view bytes) const; // 32 bytes

  private:
    struct State;
    std::unique_ptr<State> state_;
};
// HKDF-SHA-256 (RFC 5869) without salt; `purpose` is its info: one key for one purpose.
Key derive(const Key& from, std::string_view purpose);

// SHA-256 over a stream.
class Hash {
  public:
    Hash();
    ~Hash();
    Hash(Hash&&) noexcept;
    Hash& add(std::string_view bytes);
    std::string finish(); // once

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// AES-256-GCM (NIST SP 800-38D): nonce of 12 bytes, tag of 16 bytes behind the ciphertext. A pair of
// key and nonce must never seal twice.
inline constexpr std::size_t nonce_size = 12;
inline constexpr std::size_t tag_size = 16;
std::string seal(const Key& key, std::string_view nonce, std::string_view associated,
                 std::string_view plain);
// Kind::corrupt when it is not what was sealed under this key, nonce and associated data.
Result<std::string> open(const Key& key, std::string_view nonce, std::string_view associated,
                         std::string_view sealed);

// A sealed box: a random nonce, then seal()'s bytes. For small documents; up to 2^32 of them a key.
std::string seal_box(const Key& key, std::string_view associated, std::string_view plain);
Result<std::string> open_box(const Key& key, std::string_view associated, std::string_view box);

} // namespace respawn::crypto
