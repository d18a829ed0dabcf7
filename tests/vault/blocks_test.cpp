// Contents that the caller cuts, several threads that store, stretches of contents.
#include "fixture.h"
#include "vault/blocks.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace respawn;
using namespace respawn::vault;
using namespace respawn::vault_test;

namespace {

Result<Content> stored(Writer& into, const std::vector<std::string>& blocks) {
    BlockWriter writer(into);
    for (const auto& block : blocks)
        TRY(writer.add(block));
    return writer.finish();
}

void finish(Writer& into, const std::vector<Content>& contents) {
    Tree tree;
    for (std::size_t i = 0; i < contents.size(); ++i)
        tree.push_back(
            { .name = std::to_string(10'000 + i), .size = contents[i].size, .content = contents[i] });
    const auto root = into.store_tree(tree).value();
    REQUIRE(into.finish({ .game = "g",
                          .started = now(),
                          .components = { { .name = "c", .kind = "files", .tree = root } } })
                .ok());
}

std::vector<std::string> blocks_of(std::size_t count, std::size_t size, std::uint64_t seed) {
    std::vector<std::string> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.push_back(noise(1 + (seed * 7919 + i * 104'729) % size, seed + i));
    return blocks;
}

std::string joined(const std::vector<std::string>& blocks) {
    std::string all;
    for (const auto& block : blocks)
        all += block;
    return all;
}

} // namespace

TEST_CASE("blocks that were stored before are stored no second time, wherever they now lie") {
    Bench bench;
    const auto vault = bench.open();
    auto blocks = blocks_of(300, 4'000, 1);
    {
        auto into = vault->begin_backup().value();
        finish(into, { stored(into, blocks).value(), stored(into, {}).value() });
    }
    auto into = vault->begin_backup().value();
    blocks.insert(blocks.begin() + 100, "new");
    blocks.erase(blocks.begin() + 200);
    const auto content = stored(into, blocks).value();
    // The block and the list; by chance (the key is the vault's own) the list may be in pieces, of
    // which two and the one above them are new.
    REQUIRE(into.counters().new_blobs >= 2);
    REQUIRE(into.counters().new_blobs <= 4);
    finish(into, { content });
    io::TextSink all;
    REQUIRE(vault->read(content, all).ok());
    REQUIRE(all.text() == joined(blocks));
}

TEST_CASE("a block longer than a blob can be is stored in several") {
    Bench bench;
    const auto vault = bench.open();
    auto into = vault->begin_backup().value();
    const auto large = prose(2 * longest_chunk + 5, 3);
    const auto content = stored(into, { "first", large, "last" }).value();
    finish(into, { content });
    REQUIRE(content.size == large.size() + 9);
    REQUIRE(vault->read_stretch(content, 5, large.size()).value() == large);
    const auto last = vault->chunk_at(content, content.size - 2).value();
    REQUIRE(last.begin == content.size - 4);
    REQUIRE(last.size == 4);
    REQUIRE(vault->chunk_at(content, content.size).error().kind == Kind::corrupt);
    REQUIRE(vault->chunk_at({}, 0).error().kind == Kind::corrupt);
}

TEST_CASE("any stretch of a content is what lies there") {
    Bench bench;
    const auto vault = bench.open();
    auto into = vault->begin_backup().value();
    const auto blocks = blocks_of(2'000, 300, 5);
    const auto all = joined(blocks);
    const auto content = stored(into, blocks).value();
    finish(into, { content });
    for (std::size_t i = 0; i < 200; ++i) {
        const auto from = i * 7'919 % (all.size() + 10), size = i * i * 13 % all.size();
        const auto expected = from < all.size() ? all.substr(from, size) : std::string();
        REQUIRE((vault->read_stretch(content, from, size).value() == expected));
        REQUIRE((vault->read_range(content, from, size).value() == expected));
    }
    REQUIRE((vault->read_stretch(content, 0, SIZE_MAX).value() == all));
}

TEST_CASE("several threads store into one backup, the same and other things") {
    Bench bench;
    const auto vault = bench.open();
    auto into = vault->begin_backup().value();
    constexpr std::size_t count = 8;
    std::vector<Content> contents(count);
    std::vector<std::vector<std::string>> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.push_back(blocks_of(400, 20'000, i / 2));
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < count; ++i)
        threads.emplace_back([&, i] {
            contents[i] = stored(into, blocks[i]).value();
            const auto text = prose(200'000, i / 2);
            io::TextSource source(text);
            (void)into.store(source).value();
            (void)into.holds(contents[i]).value();
            count_unchanged(into, 1);
        });
    for (auto& thread : threads)
        thread.join();
    REQUIRE(into.counters().read_bytes >= into.counters().reused_bytes + count);
    finish(into, contents);
    for (std::size_t i = 0; i < count; ++i)
        REQUIRE((vault->read_range(contents[i], 0, SIZE_MAX).value() == joined(blocks[i])));
    REQUIRE(contents[0] == contents[1]);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("after a failed write no thread stores anything more") {
    const auto location = std::make_shared<BrokenLocation>();
    Bench bench(location);
    const auto vault = bench.open();
    auto into = vault->begin_backup().value();
    location->fail_at = location->creations;
    std::vector<std::thread> threads;
    std::atomic<int> refused = 0;
    for (std::uint64_t i = 0; i < 4; ++i)
        threads.emplace_back([&, i] {
            for (std::uint64_t at = 0;; ++at)
                if (!stored(into, { noise(1 << 20, i * 1'000 + at) }).ok())
                    break;
            ++refused;
        });
    for (auto& thread : threads)
        thread.join();
    REQUIRE(refused == 4);
    REQUIRE_FALSE(into.finish({ .game = "g", .started = now() }).ok());
    REQUIRE(vault->snapshots().value().empty());
}
