#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

vault::Content store(vault::Writer& writer, std::string_view bytes) {
    io::TextSource source(bytes);
    return writer.store(source).value();
}

} // namespace

TEST_CASE("what is stored comes back, byte for byte") {
    Bench bench;
    for (const auto size : { std::size_t{ 0 }, std::size_t{ 1 }, std::size_t{ 3'000'000 } }) {
        const auto bytes = noise(size, 7);
        const auto snapshot = bench.back_up({ { "a", bytes } });
        REQUIRE(bench.restored(snapshot, "a") == bytes);
    }
    REQUIRE(bench.open()->snapshots().value().size() == 3);
}

TEST_CASE("50 MiB of noise, zeros and prose come back, and take less room than they are") {
    Bench bench;
    constexpr std::size_t third = 17 << 20;
    const auto bytes = noise(third, 1) + std::string(third, '\0') + prose(third, 1);
    const auto vault = bench.open();
    vault::Counters counters;
    const auto snapshot = back_up_into(*vault, { { "mixed", bytes } }, &counters).value();
    REQUIRE(counters.read_bytes == bytes.size());
    REQUIRE(counters.stored_bytes < third + third / 2);
    REQUIRE(bench.restored(snapshot, "mixed") == bytes);
    REQUIRE(bench.check().damage.empty());

    SECTION("any stretch of it can be read") {
        const auto content = vault->tree(snapshot.components[0].tree).value()[0].content;
        for (const std::uint64_t offset :
             { std::uint64_t{ 0 }, std::uint64_t{ 65'535 }, std::uint64_t{ third - 3 },
               std::uint64_t{ 2 * third - 1 } }) {
            REQUIRE(vault->read_range(content, offset, 5000).value() == bytes.substr(offset, 5000));
        }
        REQUIRE(vault->read_range(content, bytes.size() - 2, 100).value() ==
                bytes.substr(bytes.size() - 2));
        REQUIRE(vault->read_range(content, bytes.size(), 100).value().empty());
        REQUIRE(vault->read_range(content, UINT64_MAX, SIZE_MAX).value().empty());
    }
    SECTION("the same again stores nothing but the snapshot") {
        const auto again = back_up_into(*vault, { { "mixed", bytes } }, &counters).value();
        REQUIRE(counters.reused_bytes == counters.read_bytes);
        REQUIRE(counters.stored_bytes < 8192);
        REQUIRE(again.components[0].tree == snapshot.components[0].tree);
    }
    SECTION("an insertion in the middle stores little anew") {
        auto changed = bytes;
        changed.insert(third / 2, "forty-two bytes that were not there before");
        const auto after = back_up_into(*vault, { { "mixed", changed } }, &counters).value();
        REQUIRE(counters.read_bytes - counters.reused_bytes < 3 << 20);
        REQUIRE(bench.restored(after, "mixed") == changed);
    }
}

TEST_CASE("a content of more than one chunk has a list, a small one has none") {
    Bench bench;
    // own.
    std::string bytes;
    for (int i = 0; i < 40; ++i)
        bytes += noise(1 << 20, static_cast<std::uint64_t>(i) + 100);
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    const auto content = store(writer, bytes);
    REQUIRE(content.depth == 1);
    REQUIRE(content.size == bytes.size());
    REQUIRE(store(writer, "x").depth == 0);
    REQUIRE(store(writer, "") == vault::Content{});
}

TEST_CASE("a tree keeps every field of its entries") {
    Bench bench;
    const vault::TreeEntry full{ .name = std::string("not utf-8: \xff\x01", 13),
                                 .type = vault::EntryType::symlink,
                                 .mode = 04755,
                                 .user = 1000,
                                 .group = 4294967295,
                                 .user_name = "wox",
                                 .group_name = "games",
                                 .modified_ns = -1,
                                 .device = 0x800,
                                 .hard_link = 7,
                                 .target = "../else\nwhere",
                                 .attributes = { { "user.a", std::string("\0\1", 2) },
                                                 { "user.b", "" } },
                                 .extents = { { 0, 4096 }, { 1 << 30, 1 } },
                                 .size = 1u << 31,
                                 .content = { .size = 4097, .depth = 1, .root = { { 9 } } },
                                 .tree = { { 8 } } };
    const vault::Tree tree{ { .name = "a" }, full };
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    const auto id = writer.store_tree(tree).value();
    REQUIRE(writer.has(id));
    writer.finish({ .game = "wox", .started = now() }).value();
    REQUIRE(bench.open()->tree(id).value() == tree);
}

TEST_CASE("a folder of very many entries comes back") {
    Bench bench;
    vault::Tree tree;
    for (int i = 0; i < 30'000; ++i)
        tree.push_back({ .name = "save-" + std::to_string(100'000 + i) });
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    vault::ComponentRecord record{ .name = "saves", .kind = "files", .files = tree.size() };
    record.tree = writer.store_tree(tree).value();
    vault::SnapshotDraft draft{ .game = "wox", .started = now() };
    draft.components = { record };
    writer.finish(std::move(draft)).value();
    REQUIRE(bench.open()->tree(record.tree).value() == tree);
    REQUIRE(bench.check().damage.empty());
}

TEST_CASE("a tree whose names could lead outside is not stored") {
    Bench bench;
    const auto vault = bench.open();
    auto writer = vault->begin_backup().value();
    for (const std::string name : { "", ".", "..", "a/b", "/etc" })
        REQUIRE(writer.store_tree({ { .name = name } }).error().kind == Kind::usage);
    REQUIRE(writer.store_tree({ { .name = "b" }, { .name = "a" } }).error().kind == Kind::usage);
    REQUIRE(writer.store_tree({ { .name = "a" }, { .name = "a" } }).error().kind == Kind::usage);
}

TEST_CASE("a snapshot says who wrote it, the how-manieth it is, and what it added") {
    Bench bench;
    const auto first = bench.back_up({ { "a", noise(100'000, 1) } });
    const auto second = bench.back_up({ { "a", noise(100'000, 2) } });
    REQUIRE(first.number == 1);
    REQUIRE(second.number == 2);
    REQUIRE(second.previous == first.id);
    REQUIRE(second.writer == first.writer);
    REQUIRE(first.id < second.id);
    REQUIRE(first.started < second.started);
    REQUIRE(second.stored_bytes > 100'000);
    REQUIRE(second.stored_bytes < 110'000);
    REQUIRE(second.report.integer_at("read_bytes") == 100'000);
    const auto read = bench.open()->snapshots().value();
    REQUIRE(read.at(1).id == second.id);
    REQUIRE(read.at(1).components.at(0).tree == second.components.at(0).tree);
    REQUIRE(read.at(1).program == second.program);
}

TEST_CASE("a clock that went back moves no snapshot before an older one") {
    Bench bench;
    const auto vault = bench.open();
    const auto at = [&](std::int64_t seconds) {
        auto writer = vault->begin_backup().value();
        return writer.finish({ .game = "wox", .started = { seconds * 1'000'000 } }).value();
    };
    const auto first = at(2'000'000'000), second = at(1'900'000'000);
    REQUIRE(second.started > first.started);
    REQUIRE(second.id > first.id);
    REQUIRE(second.finished >= second.started);
}

TEST_CASE("a key for a purpose is the same for all that open the vault, and for nothing else") {
    Bench bench;
    const auto one = bench.open()->purpose_key("journal");
    REQUIRE(bench.open()->purpose_key("journal") == one);
    REQUIRE_FALSE(bench.open()->purpose_key("journal2") == one);
    Bench other;
    REQUIRE_FALSE(other.open()->purpose_key("journal") == one);
}

TEST_CASE("what lies at a location is ciphertext: no stretch of the content is there") {
    Bench bench;
    const std::string secret = "the hot wallet's words are: correct horse battery staple";
    bench.back_up({ { "secret-name-of-a-file", secret }, { "noise", noise(200'000, 3) } });
    const auto& files = static_cast<BrokenLocation&>(*bench.location).files;
    for (const auto& [name, bytes] : files) {
        REQUIRE(bytes.find(secret.substr(0, 16)) == std::string::npos);
        REQUIRE(bytes.find("secret-name") == std::string::npos);
        REQUIRE(bytes.find(noise(200'000, 3).substr(1000, 16)) == std::string::npos);
    }
}

TEST_CASE("two backups at the same time, into one vault, both count") {
    Bench bench, other;
    other.location = bench.location;
    other.key = bench.key;
    const auto vault = bench.open(), second = other.open();
    auto one = vault->begin_backup().value(), two = second->begin_backup().value();
    const auto bytes = noise(500'000, 4);
    const auto content = store(one, bytes);
    REQUIRE(store(two, bytes) == content);
    const auto a = one.finish({ .game = "wox", .started = now() }).value();
    const auto b = two.finish({ .game = "wox", .started = now() }).value();
    REQUIRE(a.writer != b.writer);
    REQUIRE(bench.open()->snapshots().value().size() == 2);
    REQUIRE(bench.open()->read_range(content, 0, bytes.size()).value() == bytes);
    REQUIRE(bench.damage().empty());
    REQUIRE(other.damage().empty());
}

TEST_CASE("chunks that are at hand are taken from there, and their ids decide") {
    Bench bench;
    const auto bytes = prose(9'000'000, 3);
    const auto snapshot = bench.back_up({ { "a", bytes } });
    const auto vault = bench.open();
    const auto content = vault->tree(snapshot.components[0].tree).value()[0].content;
    auto live = bytes;
    std::atomic<std::size_t> asked = 0;
    const vault::Vault::AtHand at_hand = [&](std::uint64_t offset, std::size_t size) {
        ++asked;
        return offset >= live.size() ? std::string() : live.substr(offset, size);
    };
    REQUIRE(vault->is_at_hand(content, at_hand).value());
    live.replace(5'000'000, 3, "xyz");
    REQUIRE_FALSE(vault->is_at_hand(content, at_hand).value());
    for (const std::size_t length : { 9'000'000, 4'000'000, 0 }) {
        live.resize(length, 'x');
        io::TextSink sink;
        REQUIRE(vault->read(content, sink, at_hand).ok());
        REQUIRE(sink.text() == bytes);
    }
    REQUIRE(asked > 10);
    io::TextSink sink;
    REQUIRE(vault
                ->read(content, sink,
                       [](auto, auto) -> Result<std::string> {
                           return Error{ .kind = Kind::io, .why = "the live file cannot be read" };
                       })
                .ok());
    REQUIRE(sink.text() == bytes);
}

TEST_CASE("what is at hand is asked for no longer when a reading has ended, also by an error") {
    Bench bench;
    const auto bytes = noise(9'000'000, 4);
    const auto snapshot = bench.back_up({ { "a", bytes } });
    const auto vault = bench.open();
    const auto content = vault->tree(snapshot.components[0].tree).value()[0].content;
    std::atomic<bool> ended = false, asked_late = false;
    const vault::Vault::AtHand at_hand = [&](std::uint64_t offset, std::size_t size) {
        asked_late = asked_late || ended;
        return bytes.substr(offset, size);
    };
    for (int i = 0; i < 20; ++i) {
        io::TextSink full(1'000'000);
        ended = false;
        REQUIRE_FALSE(vault->read(content, full, at_hand).ok());
        ended = true;
    }
    vault->blob(content.root, vault::BlobKind::list).value(); // time for what might still wait
    REQUIRE_FALSE(asked_late);
}

TEST_CASE("many small contents are read at once, each whole, and damage of one is told") {
    Bench bench;
    Files files;
    for (int i = 0; i < 500; ++i)
        files[std::to_string(i)] = noise(i * 20 + 1, i % 400);
    const auto snapshot = bench.back_up(files);
    const auto vault = bench.open();
    std::vector<vault::Content> contents;
    std::vector<std::string> names;
    for (const auto& entry : vault->tree(snapshot.components[0].tree).value()) {
        contents.push_back(entry.content);
        names.push_back(entry.name);
    }
    std::vector<std::string> found(contents.size());
    const auto take = [&](std::size_t which, std::string_view bytes) -> Result<void> {
        found[which] += bytes;
        return {};
    };
    REQUIRE(vault->read_small(contents, take).ok());
    for (std::size_t i = 0; i < names.size(); ++i)
        REQUIRE(found[i] == files[names[i]]);
    const auto stopped = vault->read_small(contents, [&](std::size_t which, std::string_view) {
        return which == 77 ? Result<void>(Error{ .kind = Kind::no_space, .why = "full" })
                           : Result<void>();
    });
    REQUIRE(stopped.error().kind == Kind::no_space);
    contents[3].root.bytes[0] ^= 1;
    REQUIRE(vault->read_small(contents, take).error().kind == Kind::missing);
}
