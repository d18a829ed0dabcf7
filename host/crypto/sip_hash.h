// SipHash-2-4 (Aumasson, Bernstein 2012): a keyed hash that is quick on short inputs, also with 128
// bits. For telling bytes apart on this side of the key: whoever does not know the key cannot make two
// inputs that collide. What others are to believe is made with a Mac.
#pragma once

#include <cstdint>
#include <string_view>

namespace respawn::crypto {

class SipHash {
  public:
    explicit SipHash(std::string_view key); // 16 bytes
    std::uint64_t operator()(std::string_view bytes) const;

    struct Wide {
        std::uint64_t low = 0, high = 0; // the first eight bytes of the hash, and the last
        bool operator==(const Wide&) const = default;
    };
    // Of these eight bytes (little-endian) and then `bytes`.
    Wide wide(std::uint64_t first, std::string_view bytes) const;

  private:
    std::uint64_t k0_ = 0, k1_ = 0;
};

} // namespace respawn::crypto
