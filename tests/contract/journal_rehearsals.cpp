// Rehearsals in a journal, over both stores.
#include "contract/journal_rig.h"

#include "base/text.h"

using namespace respawn;
using testing::canary;
using testing::journal_rigs;
using testing::JournalRig;
using testing::new_run;

namespace {

struct Shelf {
    explicit Shelf(const JournalRig& rig) : rig_(rig) {
        place = rig_.make(folder.path());
        reopen();
    }
    ~Shelf() {
        journal.reset();
        rig_.remove(place);
    }
    Shelf(const Shelf&) = delete;
    Shelf& operator=(const Shelf&) = delete;
    void reopen() {
        journal.reset();
        auto opened = rig_.open(place, key);
        INFO((opened.ok() ? "" : opened.error().why));
        REQUIRE(opened.ok());
        journal = std::move(opened).value();
    }

    JournalRig rig_;
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    config::ComponentSettings place;
    crypto::Key key = crypto::Key::random();
    std::unique_ptr<journal::Journal> journal;
};

} // namespace

TEST_CASE("rehearsals are kept, found by their source, and listed newest first", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Shelf shelf(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto keep = [&](std::string source, bool passed) {
            const journal::RehearsalRecord record{
                .id = make_ulid(now()),
                .runbook = "wox/stuck_duel",
                .version = "1.0.0",
                .sources = std::move(source),
                .parameters = Value::Map{ { "wallet", canary } },
                .backup = "01J",
                .operator_name = "ada\x01",
                .began = now(),
                .took = std::chrono::seconds(3),
                .restore_took = std::chrono::seconds(2),
                .passed = passed,
                .error = passed ? Value() : Value(Value::Map{ { "why", canary } }),
                .effects = Value::List{ canary }
            };
            REQUIRE(shelf.journal->save_rehearsal(record).ok());
            return record;
        };
        CHECK(shelf.journal->rehearsals(10, {}).value().empty());
        const auto first = keep("aa", true);
        const auto second = keep("bb", false);
        const auto third = keep("aa", false);
        shelf.reopen();
        const auto all = shelf.journal->rehearsals(10, {}).value();
        REQUIRE(all.size() == 3);
        CHECK(all[0].id == third.id);
        CHECK(all[2].parameters == first.parameters);
        CHECK(all[2].took == first.took);
        CHECK(all[2].restore_took == first.restore_took);
        CHECK(all[2].began == first.began);
        CHECK(all[2].passed);
        CHECK(all[2].operator_name == "ada\\x01");
        CHECK(all[0].error.text_at("why") == canary);
        CHECK(all[0].effects.is_null()); // they may be large
        CHECK(shelf.journal->rehearsals(1, {}).value().size() == 1);
        const auto same_source = shelf.journal->rehearsals(10, "aa").value();
        REQUIRE(same_source.size() == 2);
        CHECK(same_source[1].id == first.id);
        CHECK(shelf.journal->rehearsals(10, "cc").value().empty());
        CHECK(shelf.journal->rehearsal(second.id).value().effects == Value(Value::List{ canary }));
        CHECK(shelf.journal->rehearsal(second.id.substr(0, 2)).error().kind == Kind::conflict);
        CHECK(shelf.journal->rehearsal("ZZZZ").error().kind == Kind::missing);
        CHECK(shelf.journal->rehearsal("%").error().kind == Kind::missing);
        SECTION("a copy has them too") {
            const auto file = shelf.folder.path() / "copied.db";
            REQUIRE(shelf.journal->copy_to(file).ok());
            auto copy = journal::open_local_journal(file, shelf.key).value();
            CHECK(copy->rehearsals(10, {}).value().size() == 3);
        }
        SECTION("one that is written by another hand is noticed") {
            CHECK(shelf.journal->audit({}).value().faults.empty());
            REQUIRE(rig.sql(shelf.place, "update rehearsals set passed = 1"));
            const auto faults = join(shelf.journal->audit({}).value().faults, "; ");
            CHECK_THAT(faults, Catch::Contains("rehearsals " + second.id + " was changed"));
            CHECK_THAT(faults, !Catch::Contains(first.id));
        }
        SECTION("they go with the records of their time") {
            REQUIRE(shelf.journal->remove_ended(second.began).ok());
            CHECK(shelf.journal->rehearsals(10, {}).value().size() == 2);
            CHECK(shelf.journal->audit({}).value().faults.empty());
        }
        SECTION("no word of a player's is plain in them") {
            REQUIRE(shelf.journal->copy_to(shelf.folder.path() / "copied.db").ok());
            for (const auto& entry : std::filesystem::directory_iterator(shelf.folder.path()))
                CHECK(io::read_file(entry.path()).value().find("CANARY") == std::string::npos);
        }
    }
}

TEST_CASE("a journal from before there were rehearsals gets their table", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Shelf shelf(rig);
    DYNAMIC_SECTION(rig.store) {
        auto run = new_run();
        REQUIRE(shelf.journal->start_run(run, {}).ok());
        shelf.journal.reset();
        REQUIRE(rig.sql(shelf.place, "drop table rehearsals"));
        shelf.reopen();
        CHECK(shelf.journal->rehearsals(10, {}).value().empty());
        CHECK(shelf.journal->run(run.id).value().token == run.token);
        auto next = new_run("/other/");
        CHECK(shelf.journal->start_run(next, {}).error().kind == Kind::leased);
    }
}
