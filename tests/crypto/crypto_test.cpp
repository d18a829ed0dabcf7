#include "base/bytes.h"
#include "crypto/passphrase.h"
#include "crypto/public_key.h"
#include "crypto/recovery_key.h"
#include "crypto/sip_hash.h"

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

using namespace respawn;

TEST_CASE("hashes and keys agree with published vectors") {
    REQUIRE(to_hex(crypto::sha256("abc")) ==
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231, test case 2, with its key padded by zeros as HMAC does
    const auto key = crypto::Key::from_bytes(std::string("Jefe") + std::string(28, '\0')).value();
    REQUIRE(to_hex(crypto::hmac_sha256(key, "what do ya want for nothing?")) ==
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("SipHash-2-4 agrees with published vectors, in 64 and 128 bits") {
    std::string bytes;
    for (char byte = 0; byte < 40; ++byte)
        bytes += byte;
    const crypto::SipHash hash(bytes.substr(0, 16));
    REQUIRE(hash("") == 0x726fdb47dd0e0e31);
    REQUIRE(hash(bytes.substr(0, 8)) == 0x93f5f5799a932462);
    REQUIRE(hash(bytes.substr(0, 15)) == 0xa129ca6149be45e5);
    REQUIRE(hash(bytes) == 0x0e3ea96b5304a7d0);
    constexpr std::uint64_t first = 0x0706050403020100; // the first eight of them
    REQUIRE(hash.wide(first, "").low == 0x61f55862baa9623b);
    REQUIRE(hash.wide(first, "").high == 0xb49714f364e2830f);
    REQUIRE(hash.wide(first, bytes.substr(8, 7)).low == 0x11a8b03399e99354);
    REQUIRE(hash.wide(first, bytes.substr(8, 7)).high == 0xd9c3cf970fec087e);
    REQUIRE(hash.wide(first, bytes.substr(8)).low == 0xad5dc9951e306adf);
    REQUIRE(hash.wide(first, bytes.substr(8)).high == 0xd83b91c6c80cae97);
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
    ::chmod(path.c_str(), 0400);
    REQUIRE(crypto::read_key_file(path).value() == key);
    for (const mode_t mode : { 0640, 0604, 0700, 0200, 0660, 04600 }) {
        ::chmod(path.c_str(), mode);
        const auto refused = crypto::read_key_file(path).error();
        REQUIRE(refused.kind == Kind::denied);
        if (mode != 0200 || ::geteuid() == 0)
            REQUIRE(refused.fix == "chmod 600 " + path.string());
    }
    ::chmod(path.c_str(), 0600);
    REQUIRE(
        io::replace_durably(path, "\n " + to_hex(key.bytes()) + "  \n").ok()); // openssl rand -hex 32
    REQUIRE(crypto::read_key_file(path).value() == key);
    REQUIRE(io::replace_durably(path, "no key").ok());
    REQUIRE(crypto::read_key_file(path).error().kind == Kind::usage);
}

TEST_CASE("scrypt agrees with RFC 7914") {
    REQUIRE(to_hex(crypto::scrypt("", "", { .log2_n = 4, .r = 1, .p = 1 }, 64).value()) ==
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
            "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906");
    REQUIRE(to_hex(crypto::scrypt("password", "NaCl", { .log2_n = 10, .r = 8, .p = 16 }, 64).value()) ==
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
    REQUIRE(
        to_hex(crypto::scrypt("pleaseletmein", "SodiumChloride", { .log2_n = 14, .r = 8, .p = 1 }, 64)
                   .value()) == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
                                "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887");
}

TEST_CASE("a cost that is too small to protect or too large to pay is refused") {
    using crypto::must_be_fair;
    REQUIRE(must_be_fair(crypto::ScryptCost{}).ok());
    REQUIRE(must_be_fair(crypto::least_cost).ok());
    REQUIRE(must_be_fair({ .log2_n = 20, .r = 8, .p = 16 }).ok()); // 1 GiB
    REQUIRE_FALSE(must_be_fair({ .log2_n = 14, .r = 8, .p = 1 }).ok());
    REQUIRE_FALSE(must_be_fair({ .log2_n = 15, .r = 7, .p = 1 }).ok());
    REQUIRE_FALSE(must_be_fair({ .log2_n = 15, .r = 8, .p = 0 }).ok());
    REQUIRE_FALSE(must_be_fair({ .log2_n = 20, .r = 9, .p = 1 }).ok());
    REQUIRE_FALSE(must_be_fair({ .log2_n = 63, .r = 32, .p = 16 }).ok());
    REQUIRE_FALSE(must_be_fair({ .log2_n = 15, .r = 8, .p = 17 }).ok());
}

TEST_CASE("what is sealed to a public key opens with its secret key alone") {
    // RFC 7748, section 6.1
    const auto alice =
        crypto::Key::from_bytes(
            from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a").value())
            .value();
    const auto to = crypto::public_key_of(alice);
    REQUIRE(to_hex(to) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    const auto sealed = crypto::seal_to(to, "slot", "ring key").value();
    REQUIRE(crypto::open_sealed(alice, "slot", sealed).value() == "ring key");
    REQUIRE_FALSE(crypto::open_sealed(alice, "tols", sealed).ok());
    REQUIRE_FALSE(crypto::open_sealed(crypto::Key::random(), "slot", sealed).ok());
    REQUIRE(crypto::seal_to(to, "slot", "ring key").value() != sealed);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        auto changed = sealed;
        changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
        REQUIRE_FALSE(crypto::open_sealed(alice, "slot", changed).ok());
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        REQUIRE_FALSE(crypto::open_sealed(alice, "slot", sealed.substr(0, size)).ok());
    // Points of low order, with which all keys would share the same.
    REQUIRE_FALSE(crypto::seal_to(std::string(32, '\0'), "", "x").ok());
    REQUIRE_FALSE(crypto::open_sealed(alice, "", std::string(100, '\0')).ok());
    REQUIRE_FALSE(crypto::seal_to("short", "", "x").ok());
}

TEST_CASE("a recovery key is read as it was written, and every slip is told from a wrong key") {
    for (int round = 0; round < 50; ++round) {
        const auto key = round == 0   ? crypto::Key()
                         : round == 1 ? crypto::Key::from_bytes(std::string(32, '\xff')).value()
                                      : crypto::Key::random();
        const auto digits = crypto::recovery_digits(key);
        REQUIRE(crypto::key_from_digits(digits).value() == key);
        std::string plain;
        for (const char digit : digits)
            if (digit >= '0' && digit <= '9')
                plain += digit;
        REQUIRE(plain.size() == 102);
        REQUIRE(crypto::key_from_digits(plain).value() == key);
        for (std::size_t at = 0; at < plain.size(); ++at) {
            auto wrong = plain;
            wrong[at] = static_cast<char>('0' + (wrong[at] - '0' + 1 + round % 9) % 10);
            REQUIRE(crypto::key_from_digits(wrong).error().why ==
                    "group " + std::to_string(at / 6 + 1) + " of the recovery key is mistyped");
            auto exchanged = plain;
            std::swap(exchanged[at], exchanged[(at + 1) % plain.size()]);
            if (exchanged != plain)
                REQUIRE(crypto::key_from_digits(exchanged).error().kind == Kind::usage);
        }
        if (round > 1) {
            auto groups = plain.substr(6, 6) + plain.substr(0, 6) + plain.substr(12);
            REQUIRE((groups == plain || !crypto::key_from_digits(groups).ok()));
        }
    }
    REQUIRE(crypto::key_from_digits("").error().kind == Kind::usage);
    REQUIRE(crypto::key_from_digits("12345a").error().kind == Kind::usage);
    REQUIRE(crypto::key_from_digits(std::string(100'000, '9')).error().kind == Kind::usage);
}
