#include "fixture.h"

#include "vault/chunker.h"
#include "vault/content_lists.h"
#include "vault/id_set.h"
#include "vault/index_merge.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <set>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

vault::ChunkId numbered(std::uint32_t number) {
    return vault::id_from<vault::ChunkId>(crypto::sha256(std::to_string(number)).substr(0, 16));
}

vault::PackRecord pack_of(std::uint32_t first, std::uint32_t count) {
    vault::PackRecord pack{ .sha256 = std::string(32, 's'), .size = 1 << 30 };
    pack.id =
        vault::id_from<vault::PackId>(crypto::sha256("pack" + std::to_string(first)).substr(0, 16));
    for (std::uint32_t i = 0; i < count; ++i)
        pack.entries.push_back({ numbered(first + i), 100 * i, 100, 1 });
    return pack;
}

std::vector<std::size_t> chunk_sizes(vault::Chunker& chunker, const std::string& bytes) {
    std::vector<std::size_t> sizes;
    io::TextSource source(bytes);
    REQUIRE(chunker
                .each(source,
                      [&](std::string_view chunk) -> Result<void> {
                          sizes.push_back(chunk.size());
                          return {};
                      })
                .ok());
    return sizes;
}

} // namespace

TEST_CASE("the merged index grows file by file and finds every blob") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto file = folder.path() / "index";
    const auto key = crypto::Key::random();
    vault::MergedIndex index;
    for (std::uint32_t round = 0; round < 3; ++round) {
        vault::IndexMerge merge(file, key, index);
        for (std::uint32_t i = 0; i < 5; ++i)
            REQUIRE(
                merge.add(crypto::random_bytes(16), { pack_of(round * 5000 + i * 1000, 1000) }).ok());
        index = merge.finish().value();
    }
    REQUIRE(index.rows().size() == 15'000);
    REQUIRE(index.packs().size() == 15);
    REQUIRE(index.files().size() == 15);
    const auto opened = vault::MergedIndex::open(file, key).value();
    for (std::uint32_t number = 0; number < 15'000; ++number) {
        const auto rows = opened.find(numbered(number));
        REQUIRE(rows.size() == 1);
        REQUIRE(rows[0].offset == number % 1000 * 100);
        REQUIRE(opened.packs()[rows[0].pack].id == pack_of(number / 1000 * 1000, 0).id);
    }
    REQUIRE(opened.find(numbered(15'000)).empty());
}

TEST_CASE("a blob that two packs hold is found in both, a pack named twice only once") {
    const auto folder = io::TemporaryFolder::make().value();
    vault::IndexMerge merge(folder.path() / "index", crypto::Key::random(), {});
    auto other = pack_of(1, 10);
    other.id = { { 7 } };
    REQUIRE(merge.add(crypto::random_bytes(16), { pack_of(1, 10), other }).ok());
    REQUIRE(merge.add(crypto::random_bytes(16), { pack_of(1, 10) }).ok());
    const auto index = merge.finish().value();
    REQUIRE(index.rows().size() == 20);
    REQUIRE(index.find(numbered(5)).size() == 2);
}

namespace {

// Of a blob in a vault of very many: any bytes, or those of neighbours.
vault::ChunkId any_id(std::mt19937_64& random, bool clumped) {
    const std::uint64_t halves[2] = { clumped ? 7 : random(), random() };
    return vault::id_from<vault::ChunkId>({ reinterpret_cast<const char*>(halves), sizeof halves });
}

} // namespace

TEST_CASE("an index of more rows than are held in memory at a time is in order and finds them all") {
    const bool clumped = GENERATE(false, true);
    CAPTURE(clumped);
    std::mt19937_64 random(7);
    const auto folder = io::TemporaryFolder::make().value();
    const auto file = folder.path() / "index";
    const auto key = crypto::Key::random();
    vault::PackRecord pack{ .sha256 = std::string(32, 's'), .size = 1 << 20 };
    for (std::uint32_t number = 0; number < 600'000; ++number)
        pack.entries.push_back({ any_id(random, clumped), number, 100, 1 });
    vault::IndexMerge merge(file, key, {});
    REQUIRE(merge.add(std::string(16, 'a'), { pack }).ok());
    REQUIRE(merge.add(std::string(16, 'b'), { pack }).ok()); // each of its rows once
    const auto index = merge.finish().value();
    REQUIRE(index.rows().size() == pack.entries.size());
    REQUIRE(std::ranges::is_sorted(index.rows()));
    REQUIRE(std::filesystem::file_size(file) == 4096 + 1'200'000 * 32 + 56 + 2 * 16);
    REQUIRE(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
    const auto opened = vault::MergedIndex::open(file, key).value();
    for (std::size_t i = 0; i < pack.entries.size(); i += 97) {
        const auto rows = opened.find(pack.entries[i].id);
        REQUIRE(rows.size() == 1);
        REQUIRE(rows.front().offset == i);
        REQUIRE(opened.rows()[rows.first()] == rows.front());
        REQUIRE(opened.find(any_id(random, clumped)).empty());
    }
    for (const unsigned char end : { 0x00, 0xff }) {
        vault::ChunkId outermost;
        outermost.bytes.fill(end);
        REQUIRE(opened.find(outermost).empty());
    }
}

TEST_CASE("an index knows whether its file still lies there") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto file = folder.path() / "index";
    const auto key = crypto::Key::random();
    const auto index = vault::IndexMerge(file, key, {}).finish().value();
    REQUIRE(index.lies_at(file));
    REQUIRE_FALSE(vault::MergedIndex().lies_at(file));
    const auto newer = vault::IndexMerge(file, key, index).finish().value();
    REQUIRE_FALSE(index.lies_at(file));
    REQUIRE(newer.lies_at(file));
    std::filesystem::remove(file);
    REQUIRE_FALSE(newer.lies_at(file));
}

TEST_CASE("a set of ids holds what a plain set holds") {
    std::mt19937_64 random(3);
    vault::IdSet ids;
    std::set<vault::ChunkId> model;
    REQUIRE_FALSE(ids.contains({}));
    for (int i = 0; i < 20'000; ++i) {
        vault::ChunkId id; // few enough that they meet again, and share places in the table
        id.bytes[1] = static_cast<unsigned char>(random() % 64);
        id.bytes[9] = static_cast<unsigned char>(random() % 256);
        REQUIRE(ids.contains(id) == model.contains(id));
        ids.insert(id);
        model.insert(id);
        REQUIRE(ids.contains(id));
        REQUIRE(ids.size() == model.size());
    }
    ids.clear();
    REQUIRE(ids.size() == 0);
    REQUIRE_FALSE(ids.contains(*model.begin()));
}

TEST_CASE("chunks are of about the size wanted, and none is smaller or larger than allowed") {
    vault::Chunker chunker(crypto::Key::random());
    const auto bytes = noise(64 << 20, 9);
    const auto sizes = chunk_sizes(chunker, bytes);
    REQUIRE(std::accumulate(sizes.begin(), sizes.end(), std::size_t{ 0 }) == bytes.size());
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
        REQUIRE(sizes[i] > vault::Chunker::smallest);
        REQUIRE(sizes[i] <= vault::Chunker::largest);
    }
    const auto mean = bytes.size() / sizes.size();
    REQUIRE(mean > 180 << 10);
    REQUIRE(mean < 380 << 10);
}

TEST_CASE("another key cuts elsewhere") {
    const auto bytes = noise(8 << 20, 9);
    vault::Chunker one(crypto::Key::random()), two(crypto::Key::random());
    REQUIRE(chunk_sizes(one, bytes) == chunk_sizes(one, bytes));
    REQUIRE(chunk_sizes(one, bytes) != chunk_sizes(two, bytes));
}

TEST_CASE("lists of lists end in one root and name every chunk in order") {
    std::map<vault::ChunkId, std::vector<vault::ListItem>> lists;
    std::size_t made = 0;
    const auto gather = [&](const std::vector<vault::ListItem>& items) {
        made = 0;
        vault::ContentLists contents([&](std::string_view blob) -> Result<vault::ChunkId> {
            const auto id = vault::id_from<vault::ChunkId>(crypto::sha256(blob).substr(0, 16));
            made += lists.emplace(id, vault::decode_list(blob).value()).second ? 1 : 0;
            return id;
        });
        for (const auto& item : items)
            REQUIRE(contents.add(item).ok());
        return contents.finish().value();
    };
    std::vector<vault::ListItem> items;
    for (std::uint32_t i = 0; i < 60'000; ++i)
        items.push_back({ numbered(i), i % 7 + 1 });
    const auto root = gather(items);
    REQUIRE(root.depth == 2);
    std::vector<vault::ListItem> walked;
    for (const auto& list : lists.at(root.id))
        for (const auto& item : lists.at(list.id))
            walked.push_back(item);
    REQUIRE(walked == items);

    items.insert(items.begin() + 30'000, { numbered(99'999), 5 });
    gather(items);
    REQUIRE(made <= 4); // of about fifty lists: the one with the insertion, and those above it
}
