#include "fixture.h"

#include "vault/codec.h"
#include "vault/compress.h"
#include "vault/index_file.h"
#include "vault/index_merge.h"
#include "vault/pack.h"
#include "vault/snapshot_file.h"

#include <catch2/catch.hpp>
#include <random>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

constexpr unsigned seed = 20261121;

// Changes bytes, cuts, repeats and inserts: what a parser has to live with.
std::string mutated(std::string bytes, std::mt19937& random) {
    for (auto changes = random() % 4 + 1; changes > 0; --changes) {
        const auto at = bytes.empty() ? 0 : random() % bytes.size();
        switch (random() % 5) {
        case 0:
            bytes.resize(at);
            break;
        case 1:
            bytes.insert(at, std::string(random() % 9, static_cast<char>(random())));
            break;
        case 2:
            bytes.replace(at, 4, "\xff\xff\xff\xff");
            break;
        default:
            if (!bytes.empty())
                bytes[at] = static_cast<char>(random());
        }
    }
    return bytes;
}

// Runs a parser over many mutations. That it comes back, without a crash or a huge allocation, is the
// test; the sanitizers' builds look closer.
template <class Parse> std::size_t survives(const std::string& good, int rounds, Parse parse) {
    std::mt19937 random(seed);
    INFO("seed " << seed);
    std::size_t accepted = 0;
    for (int round = 0; round < rounds; ++round)
        accepted += parse(mutated(good, random)) ? 1 : 0;
    return accepted;
}

vault::Tree some_tree() {
    return { { .name = "a", .attributes = { { "user.x", "1" } }, .extents = { { 0, 5 } }, .size = 9 },
             { .name = "b", .type = vault::EntryType::folder },
             { .name = "c", .target = "x" } };
}

} // namespace

TEST_CASE("plain encodings live with any bytes") {
    const auto tree = vault::encode_entries_of(some_tree());
    survives(tree, 20'000, [](const std::string& bytes) {
        const auto read = vault::decode_entries_of(bytes);
        if (read.ok())
            REQUIRE(vault::must_be_tree(read.value()).ok());
        return read.ok();
    });
    survives(vault::encode_small_tree(tree), 5000,
             [](const std::string& bytes) { return vault::decode_tree_blob(bytes).ok(); });
    survives(vault::encode_large_tree({ .size = 5, .depth = 1 }), 5000, [](const std::string& bytes) {
        const auto read = vault::decode_tree_blob(bytes);
        return read.ok() && read.value().content.depth <= vault::max_depth_of_lists;
    });
    survives(vault::encode_list({ { {}, 5 }, { {}, 6 } }), 5000,
             [](const std::string& bytes) { return vault::decode_list(bytes).ok(); });
    vault::Snapshot snapshot{ .id = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .game = "wox" };
    snapshot.components = { { .name = "a", .kind = "files" } };
    survives(vault::encode_snapshot(snapshot), 20'000,
             [](const std::string& bytes) { return vault::decode_snapshot(bytes).ok(); });
    survives(vault::encode_entries({ { {}, 46, 100, 1 }, { {}, 146, 100, 0x102 } }), 5000,
             [](const std::string& bytes) { return vault::decode_entries(bytes, 1000).ok(); });
    const auto packed = vault::compress(prose(20'000, 1)).value();
    survives(packed, 5000,
             [](const std::string& bytes) { return vault::decompress(bytes, 20'000).ok(); });
}

TEST_CASE("sealed files live with any bytes, and accept none but their own") {
    auto keyring = vault::Keyring::make("memory:x");
    const vault::Identifier identify(keyring);
    const auto key = crypto::Key::random();
    keyring.slots = {
        vault::Slot::make(vault::Unlock::recovery(crypto::Key::random()), "paper").value(),
        vault::Slot::make(key, "file").value()
    };
    const auto slots = vault::seal_slots(keyring, 1).value();
    REQUIRE(vault::open_slots(slots, 1, key).value().ids == keyring.ids);
    REQUIRE(vault::open_slots(slots, 2, key).error().kind == Kind::corrupt);
    const auto name = vault::index_name(crypto::random_bytes(16));
    const auto index = vault::seal_index(keyring, name, {});
    REQUIRE(vault::open_index(keyring, name, index).ok());
    const std::string id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    const auto snapshot = vault::seal_snapshot(keyring, id, vault::encode_snapshot({ .id = id }));
    REQUIRE(vault::open_snapshot(keyring, id, snapshot).ok());

    const auto unless_same = [](const std::string& good, auto open) {
        return survives(good, 5000,
                        [&](const std::string& bytes) { return bytes != good && open(bytes); });
    };
    REQUIRE(unless_same(slots,
                        [&](const auto& bytes) { return vault::open_slots(bytes, 1, key).ok(); }) == 0);
    REQUIRE(unless_same(index, [&](const auto& bytes) {
                return vault::open_index(keyring, name, bytes).ok();
            }) == 0);
    REQUIRE(unless_same(snapshot, [&](const auto& bytes) {
                return vault::open_snapshot(keyring, id, bytes).ok();
            }) == 0);
}

TEST_CASE("a pack that was changed in any way gives its own blobs, or none") {
    const auto keyring = vault::Keyring::make("memory:x");
    const vault::Identifier identify(keyring);
    vault::PackBuilder builder(keyring);
    std::vector<std::string> plains;
    for (int i = 0; i < 5; ++i) {
        plains.push_back(i % 2 ? noise(200, 1 + i) : prose(300, 1 + i));
        const auto packed = vault::compress(plains.back());
        builder.add(vault::BlobKind::data, identify(vault::BlobKind::data, plains.back()),
                    plains.back().size(), packed.value_or(plains.back()), packed.has_value());
    }
    const auto pack = builder.finish();
    REQUIRE(vault::prove_pack(keyring, identify, pack).ok());
    survives(pack.bytes, 5000, [&](const std::string& bytes) {
        const auto read = vault::read_pack(keyring, identify, pack.record.id, bytes);
        if (!read.ok())
            return false;
        REQUIRE(read.value().sound_blobs() <= plains.size());
        REQUIRE((bytes == pack.bytes || !read.value().faults.empty()));
        return true;
    });
}

TEST_CASE("a merged index with any bytes is refused, or is its own") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto file = folder.path() / "index";
    const auto key = crypto::Key::random();
    vault::IndexMerge merge(file, key, {});
    vault::PackRecord pack{ .sha256 = std::string(32, 's'), .size = 1000 };
    pack.entries = { { { { 2 } }, 46, 100, 1 }, { { { 1 } }, 146, 100, 1 } };
    REQUIRE(merge.add(std::string(16, 'f'), { pack }).ok());
    REQUIRE(merge.finish().value().find({ { 1 } }).size() == 1);
    const auto good = io::read_file(file).value();
    survives(good, 300, [&](const std::string& bytes) {
        std::filesystem::remove(file);
        REQUIRE(io::write_fully(io::open_new(file).value().number(), bytes, file).ok());
        const auto opened = vault::MergedIndex::open(file, key);
        REQUIRE(opened.ok() == (bytes == good));
        return opened.ok();
    });
}
