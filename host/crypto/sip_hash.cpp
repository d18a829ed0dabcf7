#include "crypto/sip_hash.h"

#include <bit>
#include <cstdlib>
#include <cstring>

namespace respawn::crypto {

namespace {

std::uint64_t word(const char* bytes) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes, sizeof number);
    return number; // the machines that this is built for have the lowest byte first
}
static_assert(std::endian::native == std::endian::little);

struct Rounds {
    std::uint64_t v0, v1, v2, v3;

    Rounds(std::uint64_t k0, std::uint64_t k1)
        : v0(k0 ^ 0x736f6d6570736575), v1(k1 ^ 0x646f72616e646f6d), v2(k0 ^ 0x6c7967656e657261),
          v3(k1 ^ 0x7465646279746573) {}

    void round() {
        v0 += v1, v2 += v3;
        v1 = std::rotl(v1, 13) ^ v0, v3 = std::rotl(v3, 16) ^ v2;
        v0 = std::rotl(v0, 32);
        v2 += v1, v0 += v3;
        v1 = std::rotl(v1, 17) ^ v2, v3 = std::rotl(v3, 21) ^ v0;
        v2 = std::rotl(v2, 32);
    }
    void take(std::uint64_t number) {
        v3 ^= number;
        round();
        round();
        v0 ^= number;
    }
    // All words of the bytes, then the last one: what is left, and the length of the whole message.
    void take_all(std::string_view bytes, std::size_t length) {
        const char* at = bytes.data();
        for (const char* end = at + bytes.size() / 8 * 8; at != end; at += 8)
            take(word(at));
        std::uint64_t last = std::uint64_t{ length } << 56;
        for (std::size_t i = 0; i < bytes.size() % 8; ++i)
            last |= std::uint64_t{ static_cast<unsigned char>(at[i]) } << (8 * i);
        take(last);
    }
    std::uint64_t finish() {
        for (int i = 0; i < 4; ++i)
            round();
        return v0 ^ v1 ^ v2 ^ v3;
    }
};

} // namespace

SipHash::SipHash(std::string_view key) {
    if (key.size() != 16)
        std::abort();
    k0_ = word(key.data());
    k1_ = word(key.data() + 8);
}

std::uint64_t SipHash::operator()(std::string_view bytes) const {
    Rounds rounds(k0_, k1_);
    rounds.take_all(bytes, bytes.size());
    rounds.v2 ^= 0xff;
    return rounds.finish();
}

SipHash::Wide SipHash::wide(std::uint64_t first, std::string_view bytes) const {
    Rounds rounds(k0_, k1_);
    rounds.v1 ^= 0xee;
    rounds.take(first);
    rounds.take_all(bytes, bytes.size() + sizeof first);
    rounds.v2 ^= 0xee;
    const auto low = rounds.finish();
    rounds.v1 ^= 0xdd;
    return { low, rounds.finish() };
}

} // namespace respawn::crypto
