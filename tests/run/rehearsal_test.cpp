// Rehearsals: done for real on a copy, and nothing of them reaches what is live.
#include "base/text.h"
#include "run/backup.h"
#include "run/castle.h"
#include "run/rehearsal_stage.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

using namespace respawn;
using testing::acted;
using testing::Castle;
using testing::Rehearsed;

namespace {

// Each file below a folder with its bytes and when it was changed.
std::map<std::string, std::string> all_files(const io::Path& folder) {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file())
            files.emplace(entry.path().string(),
                          std::to_string(entry.last_write_time().time_since_epoch().count()) +
                              io::read_file(entry.path()).value());
    return files;
}

const Value& effect_of(const Rehearsed& done, std::size_t number) {
    REQUIRE(done.record.effects.list()->size() > number);
    return (*done.record.effects.list())[number];
}

} // namespace

TEST_CASE("a rehearsal does it for real on a copy of the newest backup") {
    Castle castle;
    castle.sql("update players set galleons = 7 where id = 1"); // since the backup
    castle.book("function runbook.repair(case) case.paid = " + Castle::paying() +
                " end\n"
                "function runbook.verify(case) local found = respawn.sql { query = 'select galleons "
                "from players where id = 1' } respawn.check('paid', found[1].galleons == 150) "
                "respawn.check('counted', case.paid.rows == 2) end\n"
                "function runbook.notify(case) respawn.notify { text = 'paid' } end");
    const auto done = castle.passed();
    CHECK(castle.rows() == "'1ada7 2lin20'");
    CHECK(done.record.backup == castle.backup);
    CHECK(done.record.took >= done.record.restore_took);
    CHECK(done.record.restore_took.count() > 0);
    CHECK(effect_of(done, 0).at("rows").list()->size() == 2); // the trigger's with it
    CHECK(effect_of(done, 1).text_at("name") == "notify");
    CHECK_FALSE(io::is_there(castle.root / "messages"));
    CHECK_THAT(castle.listener.logs.at(0),
               Catch::Contains("game is back from backup " + castle.backup));
    castle.left_nothing();
    SECTION("also a second time: each has a copy of its own") { castle.passed(); }
    SECTION("on the backup that is named, and only on one that holds what is touched") {
        const auto newer = castle.back_up();
        CHECK(castle.rehearsed().record.backup == newer);
        CHECK(castle.passed({ .backup = castle.backup }).record.backup == castle.backup);
        const auto saves_only =
            run::back_up(*castle.game, { .components = { "saves" } }, castle.cancel, {});
        CHECK(castle.rehearsed().record.backup == newer);
        const auto lacking = castle.rehearsed({ .backup = saves_only.value().id });
        REQUIRE(lacking.error);
        CHECK(lacking.error->kind == Kind::missing);
        CHECK_FALSE(lacking.record.passed);
    }
    SECTION("nothing that was not touched is restored") {
        CHECK(castle.listener.logs.size() == 1);
        castle.book("");
        CHECK(castle.passed().record.backup.empty());
    }
}

TEST_CASE("nothing of a rehearsal reaches what is live, whatever the runbook tries") {
    Castle castle;
    castle.sql("update players set galleons = 7 where id = 1");
    // It writes, restores, saves, stores and sends; and what is refused it tries again in other words.
    castle.book(
        "function runbook.diagnose(case) case.was = respawn.snapshot {}\n"
        "for _, text in ipairs { 'delete from players', 'pragma user_version = 9', "
        "\"attach 'game.db' as live\", 'with x as (select 1) update players set galleons = 0' } do "
        "respawn.log(tostring((pcall(respawn.sql, { query = text })))) end end\n"
        "function runbook.backup(case) case.saved = respawn.backup {} respawn.backup { component "
        "= 'saves' }\n"
        "respawn.upload { name = 'players.sql', stream = respawn.dump {} } end\n"
        "function runbook.repair(case) respawn.restore { snapshot = case.saved } "
        "respawn.restore { snapshot = case.was.id, component = 'saves' } " +
        Castle::paying() +
        " respawn.bare() end\n"
        "function runbook.verify(case) respawn.check('sound', #respawn.faults {} == 0) "
        "respawn.check('sound', #respawn.faults { component = 'saves' } == 0) end\n"
        "function runbook.notify(case) respawn.notify { text = 'x' } end");
    (void)castle.game->journal(); // makes its file
    castle.open();
    SECTION("though all of it could") {
        const auto vault = all_files(castle.root / "vault");
        auto live = all_files(castle.root);
        castle.passed();
        auto after = all_files(castle.root);
        for (auto* files : { &live, &after })
            std::erase_if(*files, [&](const auto& file) {
                return file.first.starts_with((castle.root / "state").string()) ||
                       file.first.starts_with((castle.root / "scratch").string());
            });
        CHECK(live == after);
        CHECK(vault == all_files(castle.root / "vault"));
        CHECK(acted == 0);
        CHECK(std::ranges::count(castle.listener.logs, "false") == 4);
        CHECK(castle.game->journal().value()->runs(10).value().empty());
        CHECK(castle.game->database("game").value()->marker_state().value().highest == 0);
    }
    SECTION("and where there is nothing live at all, it passes as well") {
        REQUIRE(std::filesystem::remove(castle.root / "game.db"));
        REQUIRE(std::filesystem::remove_all(castle.root / "saves") == 2);
        castle.passed();
        CHECK_FALSE(io::is_there(castle.root / "game.db"));
        CHECK_FALSE(io::is_there(castle.root / "saves"));
    }
    castle.left_nothing();
}

TEST_CASE("a game that is played on a stage opens nothing live and sends nothing") {
    Castle castle;
    auto& game = *castle.game;
    REQUIRE(game.database("game").ok());
    {
        const auto stage =
            run::RehearsalStage::set(game, {}, castle.cancel, [](const auto&) {}).value();
        const auto& copy = game.component("game").value()->settings();
        CHECK(copy.path != castle.root / "game.db");
        CHECK(copy.path.string().starts_with(castle.config.scratch.string()));
        const auto& saves = game.component("saves").value()->settings();
        CHECK(io::read_file(saves.paths.at(0) / "one.txt").value() == "one");
        CHECK(saves.paths.at(0).string().starts_with(castle.config.scratch.string()));
        CHECK(game.work("saves", castle.cancel)
                  .state.string()
                  .starts_with(castle.config.scratch.string()));
        CHECK(game.channel("ops").error().kind == Kind::internal);
        const auto other = run::RehearsalStage::set(game, {}, castle.cancel, [](const auto&) {});
        REQUIRE_FALSE(other.ok());
        CHECK(other.error().kind == Kind::leased);
    }
    CHECK(game.component("game").value()->settings().path == castle.root / "game.db");
    CHECK(game.channel("ops").ok());
    CHECK(game.staged_from("game").error().kind == Kind::internal);
}

TEST_CASE("a script gets what the primitives say they give when they are only recorded") {
    Castle castle;
    SECTION("and computes with it to its end") {
        castle.book(
            "function runbook.repair(case) local saved = respawn.backup {} "
            "respawn.log(#saved.id .. ' ' .. saved.id)\n"
            "local stored = respawn.upload { name = 'x', stream = respawn.dump {} } "
            "respawn.log(stored.name) respawn.log(tostring(respawn.notify { text = 'x' })) end");
        castle.passed();
        CHECK_THAT(join(castle.listener.logs, "|"),
                   Catch::Contains("26 " + castle.backup + "|exports/x|nil"));
    }
    SECTION("where one says nothing, computing with it ends the rehearsal, and that is no pass") {
        castle.book("function runbook.repair(case) respawn.log('got ' .. respawn.bare()) end");
        const auto done = castle.rehearsed();
        REQUIRE(done.error);
        CHECK(done.error->kind == Kind::unknown);
        CHECK_FALSE(castle.recorded().at(0).passed);
        CHECK(acted == 0);
    }
}

TEST_CASE("what a runbook asks is answered in a rehearsal too, or it does not pass") {
    struct Chooser final : run::Person {
        std::optional<std::string> choice;
        Result<std::optional<std::string>> choose(const run::Question&) override { return choice; }
    } person;
    Castle castle;
    castle.book(
        "function runbook.repair(case) local who = respawn.ask { text = 'Who?', choices = { '1', "
        "'2' } } respawn.write { why = 'pay', changes = { { update = 'players', key = { id = "
        "tonumber(who) }, add = { galleons = 1 } } } } end");
    run::Engine engine(*castle.game, castle.primitives, run::Folders{ { castle.root / "books" }, {} },
                       castle.cancel, person);
    const auto unanswered = engine.rehearse(castle.request(), {}, castle.listener).value();
    REQUIRE(unanswered.error);
    CHECK(run::exit_code(unanswered.error->kind) == 5);
    person.choice = "2";
    const auto answered = engine.rehearse(castle.request(), {}, castle.listener).value();
    CHECK(answered.record.passed);
    CHECK(effect_of(answered, 1).at("rows").list()->front().at("key").integer_at("id") == 2);
    SECTION("the answer is no difference to a run") {
        const auto planned = engine.plan(castle.request(), castle.listener).value();
        REQUIRE(planned.rehearsed);
        CHECK(planned.rehearsed->differences.empty());
    }
}

TEST_CASE("a restore is made in the copy's place, and later steps see it") {
    Castle castle;
    castle.sql("update players set galleons = 1; delete from players where id = 2;");
    const auto newer = castle.back_up();
    castle.book(
        "function runbook.diagnose(case) respawn.check('gone', #respawn.sql { query = 'select 1 "
        "from players' } == 1) end\n"
        "function runbook.repair(case) case.back = respawn.restore { snapshot = '" +
        castle.backup +
        "' } end\n"
        "function runbook.verify(case) respawn.check('both', #respawn.sql { query = 'select 1 "
        "from players' } == 2) respawn.check('it', case.back.snapshot == '" +
        castle.backup + "') end");
    const auto done = castle.passed();
    CHECK(done.record.backup == newer);
    CHECK(effect_of(done, 0).text_at("name") == "restore");
    CHECK(castle.rows() == "'1ada1'");
    castle.left_nothing();
}

TEST_CASE("what does not pass says why, and is recorded as it was") {
    Castle castle;
    SECTION("nothing needs doing in the copy") {
        castle.book("function runbook.diagnose(case) respawn.require(false, 'all is well') end\n"
                    "function runbook.repair(case) " +
                    Castle::paying() + " end");
        const auto done = castle.rehearsed();
        REQUIRE(done.error);
        CHECK(done.error->kind == Kind::not_needed);
        CHECK(done.record.effects.list()->empty());
        SECTION("unless it goes on regardless, and says so") {
            CHECK(castle.passed({ .regardless = true }).record.effects.list()->size() == 1);
            CHECK_THAT(join(castle.listener.logs, "|"), Catch::Contains("all is well"));
        }
    }
    SECTION("a check that does not hold") {
        castle.book("function runbook.verify(case) respawn.check('rich', false) end");
        CHECK(run::exit_code(castle.rehearsed().error->kind) == 4);
    }
    SECTION("a business key that was used before the backup") {
        castle.book("function runbook.repair(case) " + Castle::paying() + " end");
        REQUIRE(castle.perform().ok());
        castle.back_up();
        CHECK(castle.rehearsed().error->kind == Kind::conflict);
    }
    SECTION("it takes longer than the runbook promises") {
        castle.book(
            "function runbook.verify(case) respawn.sql { query = 'with recursive n (i) as (select "
            "1 union all select i + 1 from n where i < 3000) select count(*) from n' } end",
            "rto = '1ms',");
        const auto done = castle.rehearsed();
        REQUIRE(done.error);
        CHECK(done.error->kind == Kind::failed_check);
        CHECK_THAT(done.error->why, Catch::Contains("rto"));
    }
    SECTION("there is no backup of it, though the script catches that") {
        REQUIRE(castle.game->vault().value()->remove({ castle.backup }, "x", true).ok());
        castle.open();
        castle.book("function runbook.diagnose(case) pcall(respawn.sql, { query = 'select 1' }) end");
        CHECK(castle.rehearsed().error->kind == Kind::missing);
    }
    const auto kept = castle.recorded().at(castle.recorded().size() - 1);
    CHECK_FALSE(kept.passed);
    CHECK_FALSE(kept.error.text_at("why").empty());
    castle.left_nothing();
}

TEST_CASE("one that was interrupted or killed leaves nothing live, and the next one clears up") {
    Castle castle;
    castle.book("function runbook.diagnose(case) respawn.sql { query = 'select 1' } end\n"
                "function runbook.repair(case) " +
                Castle::paying() + " end");
    SECTION("by a person") {
        castle.listener.on_phase = [&](std::string_view phase) {
            if (phase == "repair")
                castle.cancel.request();
        };
        CHECK(castle.try_rehearse().error().kind == Kind::cancelled);
        CHECK(castle.recorded().empty());
        castle.left_nothing();
    }
    SECTION("by the kernel") {
        castle.open(); // no handle is shared with the child
        const auto child = ::fork();
        if (child == 0) {
            castle.open();
            castle.listener.on_phase = [](std::string_view phase) {
                if (phase == "verify")
                    ::kill(::getpid(), SIGKILL);
            };
            (void)castle.try_rehearse();
            ::_exit(1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        castle.open();
        CHECK(castle.recorded().empty());
        castle.passed();
        castle.left_nothing();
    }
    CHECK(castle.rows() == "'1ada100 2lin20'");
}
