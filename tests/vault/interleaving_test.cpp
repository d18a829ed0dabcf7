// Three writers and a prune at one location, each call of the location a point at which another may go
// on. A seed decides who; now and then one is left standing for long, and the clock moves.
#include "fixture.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <random>
#include <set>
#include <thread>

using namespace respawn;
using namespace respawn::vault_test;
using namespace std::chrono_literals;

namespace {

// Lets one actor go on at a time; at each step the seed chooses who.
class Baton {
  public:
    Baton(unsigned seed, std::function<void(std::mt19937&)> between)
        : random_(seed), between_(std::move(between)), stays_(2 + random_() % 30) {}

    void start(std::function<void(std::size_t self)> act) {
        const auto self = actors_++;
        alive_.push_back(true);
        threads_.emplace_back([this, self, act = std::move(act)] {
            wait_for(self);
            act(self);
            const std::scoped_lock lock(mutex_);
            alive_[self] = false;
            choose();
        });
    }

    // Where backups and prune look at each other they are left standing most often.
    void step(std::size_t self, std::string_view name) {
        std::unique_lock lock(mutex_);
        if ((name.starts_with("marks") || name.starts_with("pending")) && random_() % 3 == 0) {
            suspended_ = self;
            standing_ = 10 + random_() % 60;
        }
        choose();
        changed_.wait(lock, [&] { return turn_ == self; });
    }

    void run() {
        {
            const std::scoped_lock lock(mutex_);
            begun_ = true;
            choose();
        }
        for (auto& thread : threads_)
            thread.join();
    }

  private:
    void wait_for(std::size_t self) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return begun_ && turn_ == self; });
    }

    // One of them is left standing for a while now and then.
    void choose() {
        between_(random_);
        if (standing_ > 0) {
            --standing_;
        } else if (random_() % 40 == 0) {
            suspended_ = random_() % actors_;
            standing_ = 20 + random_() % 200;
        }
        std::vector<std::size_t> able, all;
        for (std::size_t i = 0; i < actors_; ++i)
            if (alive_[i]) {
                all.push_back(i);
                if (standing_ == 0 || i != suspended_)
                    able.push_back(i);
            }
        if (all.empty())
            return;
        const auto& from = able.empty() ? all : able;
        // Often the same one goes on, so that whole stretches run undisturbed.
        const bool stays = random_() % stays_ != 0 && std::ranges::find(from, turn_) != from.end();
        if (!stays)
            turn_ = from[random_() % from.size()];
        changed_.notify_all();
    }

    std::mt19937 random_;
    std::function<void(std::mt19937&)> between_;
    unsigned stays_; // on average so many steps
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::thread> threads_;
    std::vector<bool> alive_;
    std::size_t actors_ = 0, turn_ = SIZE_MAX, suspended_ = 0;
    unsigned standing_ = 0;
    bool begun_ = false;
};

// Hands the baton on before each call.
// One actor's way to the location: hands the baton on before each call. A backup writes and reads on
// threads of its own; their calls come one after the other.
class Stepping final : public location::Location {
  public:
    Stepping(std::shared_ptr<location::Location> to, Baton& baton, std::size_t self)
        : to_(std::move(to)), baton_(baton), self_(self) {}
    Result<void> create(std::string_view name, io::Source& bytes) override {
        const std::scoped_lock lock(one_at_a_time_);
        baton_.step(self_, name);
        return to_->create(name, bytes);
    }
    Result<std::string> read(std::string_view name, location::Range range) override {
        const std::scoped_lock lock(one_at_a_time_);
        baton_.step(self_, name);
        return to_->read(name, range);
    }
    Result<std::vector<location::Entry>> list(std::string_view prefix) override {
        const std::scoped_lock lock(one_at_a_time_);
        baton_.step(self_, prefix);
        return to_->list(prefix);
    }
    Result<void> remove(std::string_view name) override {
        const std::scoped_lock lock(one_at_a_time_);
        baton_.step(self_, name);
        return to_->remove(name);
    }
    Result<Moment> now() override { return to_->now(); }
    std::string url() const override { return to_->url(); }

  private:
    std::shared_ptr<location::Location> to_;
    Baton& baton_;
    std::size_t self_;
    std::mutex one_at_a_time_;
};

// What a writer stores: one of a few pieces, so that it is often one that others have stored and that
// nobody needs at the moment.
Files some_files(std::mt19937& random) {
    const auto piece = random() % 5;
    return { { fmt::format("piece {}", piece), noise(70'000, piece) },
             { "own", noise(100, random()) } };
}

struct Outcome {
    std::map<std::string, Files> stored; // by snapshot
    std::set<std::string> removed;
    int given_up = 0, leased = 0, person = 0;
    std::uint64_t deleted = 0;
    std::vector<std::string> errors;
};

struct Actor {
    std::unique_ptr<vault::Vault> vault;
    std::mt19937 random;
};

void write_some(Actor& actor, Outcome& outcome) {
    for (int count = 0; count < 12; ++count) {
        const auto files = some_files(actor.random);
        const auto done = back_up_into(*actor.vault, files);
        if (done.ok())
            outcome.stored[done.value().id] = files;
        else if (done.error().kind == Kind::timeout)
            ++outcome.given_up;
        else
            outcome.errors.push_back("backup: " + done.error().what + ": " + done.error().why);
    }
}

void expect_kind(Outcome& outcome, const Error& error, const char* what) {
    if (error.kind == Kind::leased)
        ++outcome.leased;
    else if (error.kind == Kind::needs_person)
        ++outcome.person;
    else if (error.kind != Kind::missing)
        outcome.errors.push_back(fmt::format("{}: {}: {}", what, error.what, error.why));
}

// Most go soon, so that much is unused; each has to be whole up to then.
void remove_some(Actor& actor, Outcome& outcome) {
    const auto snapshots = actor.vault->snapshots();
    if (!snapshots.ok())
        return expect_kind(outcome, snapshots.error(), "list");
    std::vector<std::string> going;
    for (const auto& snapshot : snapshots.value()) {
        const auto stored = outcome.stored.find(snapshot.id);
        if (actor.random() % 5 == 0 || stored == outcome.stored.end())
            continue;
        if (!outcome.removed.contains(snapshot.id))
            for (const auto& [name, bytes] : stored->second)
                if (const auto back = restored_from(*actor.vault, snapshot, name);
                    !back.ok() || back.value() != bytes)
                    outcome.errors.push_back("restore: " +
                                             (back.ok() ? "other bytes" : back.error().why));
        going.push_back(snapshot.id);
    }
    outcome.removed.insert(going.begin(), going.end()); // before, as it may be cut off in between
    if (const auto done = actor.vault->remove(going, "test", true); !done.ok())
        expect_kind(outcome, done.error(), "remove");
}

// It stays among the removed: a removal that was suspended may still remove it, leaving its tombstone,
// when the lease has ended over that.
void bring_back_one(Actor& actor, Outcome& outcome) {
    if (outcome.removed.empty())
        return;
    if (const auto back = actor.vault->undelete(*outcome.removed.rbegin()); !back.ok())
        expect_kind(outcome, back.error(), "undelete");
}

void keep_house(Actor& actor, Outcome& outcome, bool removes) {
    for (int round = 0; round < 6; ++round) {
        if (removes)
            remove_some(actor, outcome);
        else if (actor.random() % 3 == 0)
            bring_back_one(actor, outcome);
        const vault::PruneOptions options{ .max_unused = 0,
                                           .grace =
                                               std::chrono::hours(actor.random() % 4 == 0 ? 24 : 0),
                                           .despite_clock = actor.random() % 4 != 0 };
        const auto pruned = actor.vault->prune(options, Cancellation());
        if (pruned.ok())
            outcome.deleted += pruned.value().deleted_packs;
        else
            expect_kind(outcome, pruned.error(), "prune");
    }
}

// Everything that was stored and not removed comes back byte by byte.
void must_be_whole(Bench& bench, const Outcome& outcome) {
    const auto vault = bench.open();
    const auto report = vault->check(vault::CheckDepth::read_data, Cancellation()).value();
    std::vector<std::string> damage;
    for (const auto& found : report.damage)
        // A backup that was given up and went on may have indexed packs that are gone; nothing needs
        // them.
        if (outcome.given_up == 0 || !found.hurts.empty() || found.why != "the pack is missing")
            damage.push_back(found.object + ": " + found.why);
    CAPTURE(damage, outcome.errors);
    REQUIRE(outcome.errors.empty());
    REQUIRE(damage.empty());
    std::set<std::string> found;
    for (const auto& snapshot : vault->snapshots().value()) {
        found.insert(snapshot.id);
        if (const auto stored = outcome.stored.find(snapshot.id); stored != outcome.stored.end())
            for (const auto& [name, bytes] : stored->second)
                REQUIRE(restored_from(*vault, snapshot, name).value() == bytes);
    }
    for (const auto& [id, files] : outcome.stored)
        if (!outcome.removed.contains(id))
            REQUIRE(found.contains(id));
}

struct Totals {
    int given_up = 0, stored = 0;
    std::uint64_t deleted = 0;
};

void play(unsigned seed, Totals& totals) {
    Bench bench;
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    bench.open();
    Outcome outcome;
    Baton baton(seed, [&](std::mt19937& random) {
        if (random() % 50 == 0)
            location.clock_is_ahead += std::chrono::hours(random() % 30);
        if (random() % 800 == 0)
            location.clock_is_ahead += 24h * 365 * (random() % 2 ? 10 : -10);
    });
    const auto folder = io::TemporaryFolder::make(io::is_there("/dev/shm") ? "/dev/shm" : "").value();
    for (unsigned number = 0; number < 5; ++number)
        baton.start([&, number](std::size_t self) {
            const auto stepping = std::make_shared<Stepping>(bench.location, baton, self);
            auto opened =
                vault::Vault::open(stepping, bench.key, folder.path() / std::to_string(number));
            if (!opened.ok()) {
                outcome.errors.push_back("open: " + opened.error().why);
                return;
            }
            Actor actor{ std::move(opened).value(), std::mt19937(seed * 31 + number) };
            number < 3 ? write_some(actor, outcome) : keep_house(actor, outcome, number == 3);
        });
    baton.run();
    location.clock_is_ahead += 24h * 400;
    must_be_whole(bench, outcome);
    // Afterwards a prune in peace finds nothing in its way.
    const auto vault = bench.open();
    REQUIRE(vault->prune({ .max_unused = 0, .despite_clock = true }, Cancellation())
                .value()
                .waits_for.empty());
    must_be_whole(bench, outcome);
    totals.given_up += outcome.given_up;
    totals.deleted += outcome.deleted;
    totals.stored += static_cast<int>(outcome.stored.size());
}

} // namespace

TEST_CASE("whoever goes on when, no interleaving of backups and prunes loses anything",
          "[interleaving]") {
    const char* given = ::getenv("RESPAWN_SEED");
    const unsigned first = given ? static_cast<unsigned>(std::stoul(given)) : 1;
    const char* many = ::getenv("RESPAWN_LONG");
    Totals totals;
    for (unsigned seed = first; seed < first + (many ? 3000u : 10u); ++seed) {
        CAPTURE(seed);
        play(seed, totals);
    }
    INFO("stored " << totals.stored << ", given up " << totals.given_up << ", packs deleted "
                   << totals.deleted);
    // The schedules reach what they are for.
    REQUIRE(totals.stored > 100);
    REQUIRE(totals.deleted > 50);
}

namespace {

// Calls back before a call whose name begins so, once.
class Watched final : public location::Location {
  public:
    Watched(std::shared_ptr<location::Location> to, std::string call, std::function<void()> before)
        : to_(std::move(to)), call_(std::move(call)), before_(std::move(before)) {}
    Result<void> create(std::string_view name, io::Source& bytes) override {
        look("create ", name);
        return to_->create(name, bytes);
    }
    Result<std::string> read(std::string_view name, location::Range range) override {
        return to_->read(name, range);
    }
    Result<std::vector<location::Entry>> list(std::string_view prefix) override {
        return to_->list(prefix);
    }
    Result<void> remove(std::string_view name) override {
        look("remove ", name);
        return to_->remove(name);
    }
    Result<Moment> now() override { return to_->now(); }
    std::string url() const override { return to_->url(); }

  private:
    void look(std::string_view verb, std::string_view name) {
        if (before_ && (std::string(verb) += name).starts_with(call_))
            std::exchange(before_, nullptr)();
    }

    std::shared_ptr<location::Location> to_;
    std::string call_;
    std::function<void()> before_;
};

const Files wanted{ { "a", noise(90'000, 1) } };

// A vault in which nobody needs a piece any more that the next backup will want.
struct Waste : Bench {
    Waste() {
        const auto first = back_up(wanted);
        back_up({ { "b", "kept" } });
        REQUIRE(open()->remove({ first.id }, "test", true).ok());
    }
    std::unique_ptr<vault::Vault> seen_through(std::string call, std::function<void()> before) {
        const auto watched = std::make_shared<Watched>(location, std::move(call), std::move(before));
        return vault::Vault::open(watched, key, folder.path() / "other").value();
    }
    void must_hold(const Result<vault::Snapshot>& snapshot) {
        REQUIRE(snapshot.ok());
        REQUIRE(damage().empty());
        REQUIRE(restored(snapshot.value(), "a") == wanted.at("a"));
    }
};

} // namespace

TEST_CASE("a backup that begins just before prune writes its marks is waited for") {
    Waste bench;
    const auto early = bench.open();
    std::optional<vault::Writer> writer;
    const auto pruning =
        bench.seen_through("create marks/", [&] { writer.emplace(early->begin_backup().value()); });
    const auto report = pruning->prune(prune_at_once, Cancellation()).value();
    REQUIRE(writer);
    CHECK(report.waits_for.size() == 1);
    io::TextSource source(wanted.at("a"));
    const auto content = writer->store(source).value();
    vault::ComponentRecord record{ .name = "files", .kind = "files", .size_bytes = 1, .files = 1 };
    record.tree =
        writer->store_tree({ { .name = "a", .size = content.size, .content = content } }).value();
    bench.must_hold(writer->finish({ .game = "wox", .started = now(), .components = { record } }));
    REQUIRE(bench.open()->prune(prune_at_once, Cancellation()).value().waits_for.empty());
    REQUIRE(bench.damage().empty());
}

TEST_CASE("a backup whose pending comes behind prune's look at pendings sees the marks") {
    Waste bench;
    std::mutex mutex;
    std::condition_variable changed;
    enum class At { start, writer_waits, prune_waits, writer_began, end } at = At::start;
    const auto reach = [&](At place, At until) {
        std::unique_lock lock(mutex);
        at = place;
        changed.notify_all();
        changed.wait(lock, [&] { return at >= until; });
    };
    // It stops before its pending is there, until prune is about to delete.
    const auto watched = std::make_shared<Watched>(bench.location, "create pending/",
                                                   [&] { reach(At::writer_waits, At::prune_waits); });
    const auto late = vault::Vault::open(watched, bench.key, bench.folder.path() / "late").value();
    std::optional<vault::Writer> writer;
    std::thread beginning([&] {
        writer.emplace(late->begin_backup().value());
        reach(At::writer_began, At::writer_began);
    });
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return at >= At::writer_waits; });
    }
    const auto pruning =
        bench.seen_through("remove packs/", [&] { reach(At::prune_waits, At::writer_began); });
    const auto report = pruning->prune(prune_at_once, Cancellation());
    reach(At::end, At::end); // should prune not have come to delete anything
    beginning.join();
    REQUIRE(report.value().deleted_packs > 0);
    io::TextSource source(wanted.at("a"));
    const auto content = writer->store(source).value();
    vault::ComponentRecord record{ .name = "files", .kind = "files", .size_bytes = 1, .files = 1 };
    record.tree =
        writer->store_tree({ { .name = "a", .size = content.size, .content = content } }).value();
    bench.must_hold(writer->finish({ .game = "wox", .started = now(), .components = { record } }));
}
