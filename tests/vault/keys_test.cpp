#include "fixture.h"

#include "vault/keys.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

vault::Unlock words(std::string text, crypto::ScryptCost cost = crypto::least_cost) {
    return vault::Unlock::passphrase(Secret("test", std::move(text)), cost);
}

Result<std::unique_ptr<vault::Vault>> open_with(Bench& bench, const vault::Unlock& unlock) {
    return vault::Vault::open(bench.location, unlock, bench.cache);
}

bool reads(Bench& bench, const vault::Unlock& unlock, const vault::Snapshot& snapshot,
           const std::string& name, const std::string& bytes) {
    const auto vault = open_with(bench, unlock);
    if (!vault.ok())
        return false;
    const auto found = restored_from(*vault.value(), snapshot, name);
    return found.ok() && found.value() == bytes;
}

std::string id_of_opened(const vault::Vault& vault) {
    for (const auto& key : vault.keys())
        if (key.opened)
            return key.id;
    return {};
}

// A slot file as somebody would write who may write to the location and knows no key: what stands open
// in it is changed, and its checksum is right again.
void forge(std::string& bytes, std::size_t at, std::string_view with) {
    bytes.replace(at, with.size(), with);
    bytes.replace(bytes.size() - 32, 32, crypto::sha256(bytes.substr(0, bytes.size() - 32)));
}

} // namespace

TEST_CASE("a key file, a passphrase and a recovery key each open the same vault") {
    Bench bench;
    const auto snapshot = bench.back_up({ { "a", "1" } });
    const auto paper = vault::Unlock::recovery(crypto::Key::random());
    REQUIRE(bench.open()->add_key(paper, "paper").ok());
    REQUIRE(bench.open()->add_key(words("correct horse battery staple"), "ada").ok());
    REQUIRE(bench.open()->add_key(crypto::Key::random(), "second host").ok());
    for (const auto& unlock :
         { vault::Unlock(bench.key), paper, words(" correct horse battery staple\n") })
        REQUIRE(reads(bench, unlock, snapshot, "a", "1"));
    REQUIRE(bench.open()->keys().size() == 4);
    REQUIRE(open_with(bench, words("correct horse battery stable")).error().kind == Kind::denied);
    // The same 32 bytes as another kind of key are another key.
    REQUIRE(open_with(bench, vault::Unlock::recovery(bench.key)).error().kind == Kind::denied);
    REQUIRE(open_with(bench, crypto::Key::random()).error().fix.find("recovery key") !=
            std::string::npos);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("whoever opens with any key changes the keys without knowing the others' secrets") {
    Bench bench;
    bench.back_up({ { "a", "1" } });
    const auto paper = vault::Unlock::recovery(crypto::Key::random());
    REQUIRE(bench.open()->add_key(paper, "paper").ok());
    const auto second = crypto::Key::random();
    REQUIRE(open_with(bench, paper).value()->add_key(second, "second").ok());
    REQUIRE(open_with(bench, second).value()->begin_epoch().ok());
    for (const auto& unlock : { vault::Unlock(bench.key), paper, vault::Unlock(second) })
        REQUIRE(open_with(bench, unlock).value()->epoch() == 2);
}

TEST_CASE("a removed key opens nothing that was written after it, not even with all old slot files") {
    Bench bench;
    const auto before = bench.back_up({ { "a", "1" } });
    const auto leaver = crypto::Key::random();
    REQUIRE(bench.open()->add_key(leaver, "leaver").ok());
    const auto id = id_of_opened(*open_with(bench, leaver).value());
    REQUIRE(bench.open()->remove_key(id.substr(0, 6)).ok());
    const auto after = bench.back_up({ { "b", "2" } });
    const auto refused = open_with(bench, leaver).error();
    REQUIRE(refused.kind == Kind::denied);
    REQUIRE(refused.why.find("taken out of use") != std::string::npos);
    // Everything the leaver could ever open, put into force again: the newer epoch is not in it.
    Bench stolen;
    broken(stolen).files = broken(bench).files;
    broken(stolen).files.erase("keys/0003");
    broken(stolen).files.erase("keys/0003.copy");
    REQUIRE(reads(stolen, leaver, before, "a", "1"));
    REQUIRE_FALSE(reads(stolen, leaver, after, "b", "2"));
    REQUIRE(open_with(stolen, leaver).value()->epoch() == 1);
    // What the leaver learned of the others does not open what they wrote later.
    const auto learned = vault::read_keyring(*stolen.location, leaver).value();
    for (const auto& slot : learned.slots)
        for (const auto& made :
             { crypto::Key::from_bytes(slot.public_key).value(), learned.ids, learned.purposes })
            REQUIRE_FALSE(vault::read_keyring(*bench.location, made).ok());
    REQUIRE(bench.restored(before, "a") == "1");
    REQUIRE(bench.restored(after, "b") == "2");
    REQUIRE(bench.damage().empty());
}

TEST_CASE("the last key that surely opens the vault cannot be removed") {
    Bench bench;
    const auto vault = bench.open();
    REQUIRE(vault->remove_key(id_of_opened(*vault)).error().kind == Kind::denied);
    const auto paper = vault::Unlock::recovery(crypto::Key::random());
    REQUIRE(vault->add_key(paper, "paper").ok());
    REQUIRE(vault->remove_key(id_of_opened(*vault)).error().kind == Kind::denied);
    REQUIRE(vault->confirm_recovery(vault::Unlock::recovery(crypto::Key::random())).error().kind ==
            Kind::denied);
    REQUIRE(vault->confirm_recovery(paper).value().confirmed.microseconds > 0);
    REQUIRE(vault->remove_key(id_of_opened(*vault)).ok());
    REQUIRE(open_with(bench, paper).ok());
    REQUIRE_FALSE(open_with(bench, bench.key).ok());
    REQUIRE(vault->remove_key("00").error().kind == Kind::denied); // it is shut out itself
}

TEST_CASE("adding a key that is there changes nothing") {
    Bench bench;
    const auto vault = bench.open();
    const auto first = vault->add_key(words("a long passphrase"), "one").value();
    const auto files = broken(bench).files.size();
    REQUIRE(vault->add_key(words("a long passphrase"), "two").value().id == first.id);
    REQUIRE(broken(bench).files.size() == files);
    REQUIRE(vault->add_key(words("short"), "").error().kind == Kind::usage);
}

TEST_CASE("a change of keys that is killed at any write leaves a vault that its keys open") {
    const bool half_done = GENERATE(false, true);
    for (int dies_at = 0; dies_at < 2; ++dies_at) {
        CAPTURE(half_done, dies_at);
        Bench bench;
        const auto snapshot = bench.back_up({ { "a", "1" } });
        const auto vault = bench.open();
        const auto second = crypto::Key::random();
        broken(bench).creations = 0;
        broken(bench).fail_at = dies_at;
        broken(bench).half_done = half_done;
        REQUIRE_FALSE(vault->add_key(second, "second").ok());
        broken(bench).fail_at = -1;
        REQUIRE(reads(bench, bench.key, snapshot, "a", "1"));
        bench.back_up({ { "b", "2" } }); // writes the copy that is missing
        REQUIRE(bench.damage().empty());
        REQUIRE(vault->add_key(second, "second").ok());
        REQUIRE(reads(bench, second, snapshot, "a", "1"));
        REQUIRE(bench.open()->keys().size() == 2);
        REQUIRE(bench.damage().empty());
    }
}

TEST_CASE("of two that change the keys at once neither loses what it did") {
    // Another host writes the next slot file just before this one does.
    struct Racing final : BrokenLocation {
        std::function<void()> before;
        Result<void> create(std::string_view name, io::Source& bytes) override {
            if (name == "keys/0002" && before)
                std::exchange(before, nullptr)();
            return BrokenLocation::create(name, bytes);
        }
    };
    const auto racing = std::make_shared<Racing>();
    Bench bench(racing);
    const auto mine = crypto::Key::random(), theirs = crypto::Key::random();
    const auto vault = bench.open();
    racing->before = [&] { REQUIRE(bench.open()->add_key(theirs, "theirs").ok()); };
    REQUIRE(vault->add_key(mine, "mine").ok());
    REQUIRE(open_with(bench, mine).ok());
    REQUIRE(open_with(bench, theirs).ok());
    REQUIRE(racing->files.contains("keys/0003"));
    REQUIRE(bench.damage().empty());
}

TEST_CASE("a backup goes on while another host begins an epoch, and each reads what the other stored") {
    Bench bench;
    bench.back_up({ { "a", "1" } });
    const auto mine = bench.open();
    auto writer = mine->begin_backup().value();
    const auto theirs = bench.open();
    REQUIRE(theirs->begin_epoch().ok());
    const auto newer = back_up_into(*theirs, { { "b", noise(5000, 1) } }).value();
    io::TextSource source("mine");
    const auto content = writer.store(source).value();
    vault::Tree tree{ { .name = "c", .size = 4 } };
    tree[0].content = content;
    vault::ComponentRecord record{ .name = "files", .kind = "files", .files = 1 };
    record.tree = writer.store_tree(tree).value();
    vault::SnapshotDraft draft{ .game = "wox", .started = now() };
    draft.components = { record };
    const auto older = writer.finish(std::move(draft)).value();
    REQUIRE(restored_from(*bench.open(), older, "c").value() == "mine");
    REQUIRE(mine->snapshots().value().size() == 3);
    REQUIRE(restored_from(*mine, newer, "b").value() == noise(5000, 1));
    REQUIRE(mine->epoch() == 2);
    REQUIRE(bench.damage().empty());
}

TEST_CASE("a vault that was opened with a key since taken out says so, and calls nothing damaged") {
    Bench bench;
    bench.back_up({ { "a", "1" } });
    const auto second = crypto::Key::random();
    REQUIRE(bench.open()->add_key(second, "second").ok());
    const auto old = bench.open();
    const auto fresh = open_with(bench, second).value();
    REQUIRE(fresh->remove_key(id_of_opened(*old)).ok());
    REQUIRE(back_up_into(*fresh, { { "b", "2" } }).ok());
    REQUIRE(old->begin_backup().error().kind == Kind::denied);
    REQUIRE(old->snapshots().error().kind == Kind::denied);
    REQUIRE(old->check(vault::CheckDepth::read_data, Cancellation()).error().kind == Kind::denied);
}

TEST_CASE("with the newest slot file lost to damage everything is still read, and nothing written") {
    Bench bench;
    const auto snapshot = bench.back_up({ { "a", "1" } });
    const auto second = crypto::Key::random();
    REQUIRE(bench.open()->add_key(second, "second").ok());
    for (const std::string name : { "keys/0002", "keys/0002.copy" })
        broken(bench).files[name][100] ^= 1;
    REQUIRE(bench.restored(snapshot, "a") == "1");
    REQUIRE(bench.check().damage.size() == 2);
    REQUIRE(bench.try_back_up({ { "b", "2" } }).error().kind == Kind::corrupt);
    // Writing the keys anew mends it.
    REQUIRE(bench.open()->begin_epoch().ok());
    REQUIRE(bench.try_back_up({ { "b", "2" } }).ok());
    REQUIRE(broken(bench).files.contains("keys/0003"));
}

TEST_CASE("what a hostile slot file asks for is refused before it costs memory or time") {
    Bench bench;
    REQUIRE(bench.open()->add_key(words("a long passphrase"), "ada").ok());
    auto& bytes = broken(bench).files["keys/0002"];
    broken(bench).files.erase("keys/0002.copy");
    // Header 28, count 1; the key file's slot is 1 + 8 + 4 + 4 + 92; then kind, id, length, log2 N, r,
    // p.
    const std::size_t second = 29 + 109, cost = second + 1 + 8 + 4;
    REQUIRE(bytes[second] == 2);
    REQUIRE(bytes.substr(cost, 3) == std::string("\x0f\x08\x01"));
    const auto good = bytes;
    for (const std::string_view asked :
         { "\x0e\x08\x01", "\x0f\x07\x01", "\x15\x08\x01", "\x14\x10\x01", "\x0f\x21\x01",
           "\x0f\x08\x11", "\xff\xff\xff" }) {
        bytes = good;
        forge(bytes, cost, asked);
        REQUIRE(open_with(bench, words("a long passphrase")).error().kind == Kind::unsupported);
        // What stands open is bound to the keyring: the file counts as damaged, an older one is used.
        REQUIRE(open_with(bench, bench.key).value()->keys().size() == 1);
        REQUIRE(bench.try_back_up({ { "a", "1" } }).error().kind == Kind::corrupt);
    }
    bytes = good;
    forge(bytes, 28, "\xff");
    REQUIRE(open_with(bench, bench.key).value()->keys().size() == 1);
    bytes = good;
    forge(bytes, cost, "\x10\x08\x01");
    REQUIRE(open_with(bench, words("a long passphrase")).error().kind == Kind::denied);
}

TEST_CASE("each flipped bit of a slot file is noticed without a key, and the file does not open") {
    auto keyring = vault::Keyring::make("memory:x");
    const auto key = crypto::Key::random();
    keyring.slots = { vault::Slot::make(key, "file").value(),
                      vault::Slot::make(words("a long passphrase"), "ada").value(),
                      vault::Slot::make(vault::Unlock::recovery(crypto::Key::random()), "").value() };
    auto bytes = vault::seal_slots(keyring, 7).value();
    REQUIRE(vault::open_slots(bytes, 7, key).value().slots.size() == 3);
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        const auto flip = [&] { bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8)); };
        flip();
        REQUIRE_FALSE(vault::slots_fault(bytes).empty());
        REQUIRE(vault::open_slots(bytes, 7, key).error().kind == Kind::corrupt);
        flip();
    }
}

TEST_CASE("slots of a kind that a later version brings are kept when the keys change") {
    Bench bench;
    bench.open();
    auto keyring = vault::read_keyring(*bench.location, bench.key).value();
    auto later = vault::Slot::make(crypto::Key::random(), "hardware").value();
    later.kind = static_cast<vault::SlotKind>(9);
    later.parameters = "anything";
    keyring.slots.push_back(later);
    const auto bytes = vault::seal_slots(keyring, 2).value();
    io::TextSource file(bytes);
    REQUIRE(bench.location->create("keys/0002", file).ok());
    REQUIRE(bench.open()->begin_epoch().ok());
    const auto kept = vault::read_keyring(*bench.location, bench.key).value();
    REQUIRE(kept.number == 3);
    REQUIRE(kept.slots.size() == 2);
    REQUIRE(kept.slots[1].parameters == "anything");
    REQUIRE(kept.slots[1].public_key == later.public_key);
}

TEST_CASE("a file of this machine opens with the same secret alone, also in another process") {
    const auto key = crypto::Key::random();
    const auto sealed = words("a long passphrase").seal("journal", "secret").value();
    REQUIRE(words("a long passphrase").open("journal", sealed).value() == "secret");
    REQUIRE_FALSE(words("a long passphrasf").open("journal", sealed).ok());
    REQUIRE_FALSE(words("a long passphrase").open("other", sealed).ok());
    REQUIRE_FALSE(vault::Unlock(key).open("journal", sealed).ok());
    const auto by_key = vault::Unlock(key).seal("journal", "secret").value();
    REQUIRE(vault::Unlock(key).open("journal", by_key).value() == "secret");
    REQUIRE_FALSE(vault::Unlock::recovery(key).open("journal", by_key).ok());
    const auto right = words("a long passphrase");
    for (std::size_t size = 0; size < sealed.size(); ++size)
        REQUIRE_FALSE(right.open("journal", sealed.substr(0, size)).ok());
}
