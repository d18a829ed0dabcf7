#include "fixture.h"

#include "vault/image.h"

#include <catch2/catch.hpp>
#include <random>
#include <set>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

constexpr std::uint32_t page = 4096;

struct Taken {
    vault::Content content;
    std::uint64_t stored = 0;
    std::string snapshot = {};
};

// Takes the image as a component does, and makes it a snapshot so that check knows of it.
Taken take(Bench& bench, const std::string& image, const vault::Content& before,
           std::uint32_t page_size = page) {
    auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    auto pages = vault::ImageWriter::begin(writer, page_size, before, bench.cache / "pages").value();
    for (std::size_t at = 0; at < image.size(); at += 100000)
        REQUIRE(pages.add(std::string_view(image).substr(at, 100000)).ok());
    const auto content = pages.finish().value();
    vault::TreeEntry entry{ .name = "game.db" };
    entry.size = image.size();
    entry.content = content;
    const auto tree = writer.store_tree({ entry }).value();
    const auto snapshot = writer.finish({ .components = { { .name = "database",
                                                            .kind = "sqlite",
                                                            .tree = tree,
                                                            .size_bytes = image.size(),
                                                            .files = 1 } } });
    REQUIRE(snapshot.ok());
    return { content, snapshot.value().stored_bytes, snapshot.value().id };
}

std::string read_back(Bench& bench, const vault::Content& content) {
    io::TextSink sink;
    auto vault = bench.open();
    REQUIRE(vault->read(content, sink).ok());
    return sink.text();
}

// Other bytes in so many pages.
void change(std::string& image, int pages, unsigned seed) {
    std::mt19937_64 random(seed);
    for (int i = 0; i < pages; ++i)
        image.replace(random() % (image.size() / page) * page + random() % 4000, 8, noise(8, random()));
}

} // namespace

TEST_CASE("an image of which scattered pages changed costs those pages, again and again") {
    Bench bench;
    auto image = noise(1000 * page, 1);
    auto before = take(bench, image, {});
    REQUIRE(read_back(bench, before.content) == image);
    std::vector<std::pair<vault::Content, std::string>> taken{ { before.content, image } };
    for (unsigned round = 1; round <= 6; ++round) {
        change(image, 20, round);
        before = take(bench, image, before.content);
        REQUIRE(before.stored < 40 * page);
        taken.emplace_back(before.content, image);
    }
    for (const auto& [content, bytes] : taken) // each whole in itself
        REQUIRE(read_back(bench, content) == bytes);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("any stretch of a patched image can be read by itself") {
    Bench bench;
    auto image = noise(400 * page + 100, 2);
    const auto first = take(bench, image, {});
    change(image, 30, 9);
    const auto second = take(bench, image, first.content);
    auto vault = bench.open();
    std::mt19937_64 random(3);
    for (int i = 0; i < 200; ++i) {
        const auto offset = random() % image.size();
        const auto size = random() % (3 * page);
        REQUIRE(vault->read_range(second.content, offset, size).value() == image.substr(offset, size));
    }
}

TEST_CASE("a block of which much changed gets a new base, and one that is as it was costs nothing") {
    Bench bench;
    auto image = noise(256 * page, 4);
    const auto first = take(bench, image, {});
    image.replace(0, 60 * page, noise(60 * page, 5));
    const auto second = take(bench, image, first.content);
    REQUIRE(second.stored > 128 * page); // the whole block
    REQUIRE(second.stored < 140 * page);
    const auto third = take(bench, image, second.content);
    REQUIRE(third.content == second.content);
    REQUIRE(third.stored < page);
    REQUIRE(read_back(bench, third.content) == image);
}

TEST_CASE("an image that grew, shrank or has other pages now is stored right") {
    Bench bench;
    auto image = noise(300 * page, 6);
    auto last = take(bench, image, {});
    for (const std::size_t pages : { 301, 500, 128, 129, 1 }) {
        image = image.substr(0, pages * page);
        image += noise(pages * page - image.size(), pages);
        last = take(bench, image, last.content);
        REQUIRE(read_back(bench, last.content) == image);
    }
    last = take(bench, image, last.content, 1024);
    REQUIRE(read_back(bench, last.content) == image);
    REQUIRE(take(bench, "", last.content).content.size == 0);
}

TEST_CASE("lost or damaged page digests are computed from the image, and never trusted") {
    Bench bench;
    auto image = noise(500 * page, 7);
    auto last = take(bench, image, {});
    const auto digests = bench.cache / "pages";
    SECTION("lost") { std::filesystem::remove(digests); }
    SECTION("damaged") {
        auto bytes = io::read_file(digests, 1 << 20).value();
        bytes[100] = static_cast<char>(bytes[100] ^ 1);
        REQUIRE(io::replace_durably(digests, bytes).ok());
    }
    SECTION("of another image") {
        const auto bytes = io::read_file(digests, 1 << 20).value();
        auto other = image;
        change(other, 10, 1);
        last = take(bench, other, last.content);
        REQUIRE(io::replace_durably(digests, bytes).ok());
    }
    change(image, 5, 8);
    last = take(bench, image, last.content);
    REQUIRE(last.stored < 30 * page);
    REQUIRE(read_back(bench, last.content) == image);
}

TEST_CASE("a damaged patch is found and named with what it hurts, and the next image heals it") {
    auto broken = std::make_shared<BrokenLocation>();
    Bench bench(broken);
    auto image = noise(300 * page, 10);
    const auto first = take(bench, image, {});
    std::set<std::string> packs;
    for (const auto& [name, bytes] : broken->files)
        packs.insert(name);
    change(image, 12, 11);
    const auto second = take(bench, image, first.content);
    for (auto& [name, bytes] : broken->files)
        if (name.starts_with("packs/") && !packs.contains(name))
            bytes[300] = static_cast<char>(bytes[300] ^ 1);
    const auto report = bench.check();
    REQUIRE(!report.damage.empty());
    std::string told;
    for (const auto& damage : report.damage)
        for (const auto& hurt : damage.hurts)
            told += damage.object + " " + damage.why + " -> " + hurt + "\n";
    INFO(told);
    REQUIRE(told.find("database: game.db") != std::string::npos);
    const auto third = take(bench, image, second.content);
    REQUIRE(read_back(bench, third.content) == image);
}

TEST_CASE("an image of one block keeps its patches") {
    Bench bench;
    auto image = noise(20 * page, 12);
    const auto first = take(bench, image, {});
    change(image, 2, 13);
    const auto second = take(bench, image, first.content);
    REQUIRE(second.stored < 5 * page);
    REQUIRE(read_back(bench, second.content) == image);
}

TEST_CASE("prune keeps the bases and patches of the images that stay, and copies them whole") {
    auto location = std::make_shared<BrokenLocation>();
    Bench bench(location);
    auto image = noise(600 * page, 14);
    auto last = take(bench, image, {});
    std::vector<std::string> going{ last.snapshot };
    for (unsigned round = 1; round <= 4; ++round) {
        change(image, 15, 20 + round);
        last = take(bench, image, last.content);
        if (round < 4)
            going.push_back(last.snapshot);
    }
    REQUIRE(bench.open()->remove(going, "test").ok());
    location->clock_is_ahead = std::chrono::hours(25);
    const auto report = bench.open()->prune({ .max_unused = 0 }, Cancellation()).value();
    REQUIRE(report.rewritten_packs > 0);
    bench.lose_cache();
    REQUIRE(read_back(bench, last.content) == image);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("an image before that is damaged is leant on no more: the next one is stored whole") {
    auto location = std::make_shared<BrokenLocation>();
    Bench bench(location);
    auto image = noise(300 * page, 15);
    const auto first = take(bench, image, {});
    for (auto& [name, bytes] : location->files) // the list and all behind it
        if (name.starts_with("packs/"))
            for (std::size_t at = 300 * page; at < bytes.size() - 4096; at += 50)
                bytes[at] = static_cast<char>(bytes[at] ^ 1);
    change(image, 3, 16);
    const auto second = take(bench, image, first.content);
    REQUIRE(second.content.size == image.size());
    bench.check(); // finds the rest
    const auto third = take(bench, image, second.content);
    REQUIRE(read_back(bench, third.content) == image);
}
