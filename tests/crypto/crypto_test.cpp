#include "base/bytes.h"
#include "crypto/crypto.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>

using namespace respawn;

TEST_CASE("hashes and keys agree with published vectors") {
    REQUIRE(to_hex(crypto::sha256("abc")) ==
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231, test case 2, with its key padded by zeros as HMAC does
    const auto key = crypto::Key::from_bytes(std::string("Jefe") + std::string(28, '\0')).value();
    REQUIRE(to_hex(crypto::hmac_sha256(key, "what do ya want for nothing?")) ==
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("every changed bit of a sealed box is noticed") {
    const auto key = crypto::Key::random();
    const auto box = crypto::seal_box(key, "journal", "50 galleons");
    REQUIRE(crypto::open_box(key, "journal", box).value() == "50 galleons");
    REQUIRE(crypto::open_box(key, "vault", box).error().kind == Kind::corrupt);
    for (std::size_t bit = 0; bit < box.size() * 8; ++bit) {
        auto changed = box;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        REQUIRE(crypto::open_box(key, "journal", changed).error().kind == Kind::corrupt);
    }
}

TEST_CASE("key files that others may read are refused") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto path = folder.path() / "wox.key";
    const auto key = crypto::make_key_file(path).value();
    REQUIRE(crypto::read_key_file(path).value() == key);
    REQUIRE(crypto::make_key_file(path).error().kind == Kind::conflict);
    ::chmod(path.c_str(), 0640);
    REQUIRE(crypto::read_key_file(path).error().kind == Kind::denied);
    REQUIRE(io::replace_durably(path, "no key").ok());
    REQUIRE(crypto::read_key_file(path).error().kind == Kind::usage);
}
