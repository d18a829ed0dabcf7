#include "run/scene.h"

using namespace respawn;
using namespace respawn::testing;
using journal::RunState;

TEST_CASE("a runbook does only what it declared, where it may") {
    Scene scene;
    const std::string write =
        "respawn.write { why = 'x', changes = { { delete = 'players', key = { id = 1 } } } }";
    SECTION("a capability that is not declared is denied, and named") {
        scene.book("function runbook.repair(case) " + write + " end", "", "'sql.read'");
        const auto error = refused(scene.plan());
        CHECK(error.kind == Kind::denied);
        CHECK_THAT(error.why, Catch::Contains("sql.write"));
        CHECK(run::exit_code(error.kind) == 7);
    }
    SECTION("diagnose and verify only look") {
        const std::string phase = GENERATE("diagnose", "verify");
        scene.book("function runbook." + phase + "(case) " + write + " end");
        const auto error = refused(scene.plan());
        CHECK(error.kind == Kind::denied);
        CHECK_THAT(error.why, Catch::Contains(phase));
    }
    SECTION("text SQL that writes is denied in a run too") {
        scene.book("function runbook.diagnose(case) respawn.sql { query = 'delete from players' } end");
        CHECK(refused(scene.plan()).kind == Kind::denied);
    }
    CHECK(scene.rows() == "'1ada100 2lin20'");
}

TEST_CASE("an effect that could not be settled after a crash does not load") {
    auto primitive = effect("bare", journal::Policy::none);
    CHECK(refused(run::must_be_sound({ &primitive })).kind == Kind::internal);
    primitive.policy = journal::Policy::probe; // and has no probe
    CHECK_FALSE(run::must_be_sound({ &primitive }).ok());
    primitive.policy = journal::Policy::park;
    CHECK(run::must_be_sound({ &primitive }).ok());
    primitive.effect = Effect::reads;
    CHECK_FALSE(run::must_be_sound({ &primitive }).ok());
}

TEST_CASE("parameters are typed, and each mistake names its parameter") {
    Scene scene;
    scene.book("", "params = { duel = { type = 'integer', doc = 'id' } },");
    for (const auto& [given, word] :
         std::vector<std::pair<std::map<std::string, std::string>, std::string>>{
             { {}, "duel" },
             { { { "duel", "seven" } }, "duel" },
             { { { "duel", "7x" } }, "duel" },
             { { { "duel", "99999999999999999999" } }, "duel" },
             { { { "duel", "7" }, { "dule", "7" } }, "dule" } }) {
        CAPTURE(word, given.size());
        const auto error = refused(scene.plan(given));
        CHECK(error.kind == Kind::usage);
        CHECK_THAT(error.why + error.fix, Catch::Contains(word));
    }
    CHECK(scene.plan({ { "duel", "7" } }).ok());
}

TEST_CASE("a dry run changes nothing, and its hash stands for what it showed") {
    Scene scene;
    scene.paying_book();
    const auto before = scene.rows();
    const auto first = scene.planned();
    CHECK(first.plan.effects.list()->size() == 1);
    CHECK(scene.rows() == before);
    CHECK(scene.planned().plan.hash == first.plan.hash);
    CHECK(scene.game->journal().value()->runs(10).value().empty());
    SECTION("other rows make another") {
        scene.sql("update players set note = 'seen' where id = 1");
        CHECK(scene.planned().plan.hash != first.plan.hash);
    }
    SECTION("rows it does not touch make none") {
        scene.sql("update players set galleons = 9 where id = 2");
        CHECK(scene.planned().plan.hash == first.plan.hash);
    }
    SECTION("other parameters make another") {
        CHECK(scene.planned({ { "amount", "51" } }).plan.hash != first.plan.hash);
    }
    SECTION("an edit of the source makes another") {
        scene.paying_book("local changed = true");
        CHECK(scene.planned().plan.hash != first.plan.hash);
    }
    SECTION("the clock and new ids make none") {
        scene.book("function runbook.repair(case) respawn.write { why = 'x', changes = { { insert = "
                   "'players', "
                   "set = { name = 'mo', note = respawn.at_write_time } } } } end");
        const auto one = scene.planned();
        scene.sql("insert into players (id, name) values (77, 'between'); delete from players where id "
                  "= 77;");
        CHECK(scene.planned().plan.hash == one.plan.hash);
        CHECK(scene.perform(one).value().run.state == RunState::done);
    }
}

TEST_CASE("a live run does what its plan showed, or nothing") {
    Scene scene;
    scene.paying_book();
    const auto agreed = scene.planned();
    SECTION("it does it") {
        const auto outcome = scene.perform(agreed).value();
        CHECK(outcome.run.state == RunState::done);
        CHECK(outcome.effects == 1);
        CHECK(scene.rows() == "'1ada150 2lin20'");
        SECTION("and a plan that was used does nothing more") {
            CHECK(refused(scene.perform(agreed)).kind == Kind::moved);
            CHECK(scene.rows() == "'1ada150 2lin20'");
        }
    }
    SECTION("the rows moved") {
        scene.sql("update players set galleons = 101 where id = 1");
        const auto error = refused(scene.perform(agreed));
        CHECK(error.kind == Kind::moved);
        CHECK(run::exit_code(error.kind) == 8);
        CHECK_THAT(error.why, Catch::Contains("101"));
        CHECK(scene.rows() == "'1ada101 2lin20'");
        CHECK(scene.game->journal().value()->runs(10).value().empty());
    }
    SECTION("the source was edited") {
        scene.paying_book("local changed = true");
        const auto error = refused(scene.perform(agreed));
        CHECK(error.kind == Kind::moved);
        CHECK_THAT(error.why, Catch::Contains("source"));
        CHECK(scene.rows() == "'1ada100 2lin20'");
    }
    SECTION("the rows move between the check of the plan and the write") {
        const std::string expect = GENERATE("", ", expect = { galleons = 100 }");
        scene.paying_book("", expect);
        const auto again = scene.planned();
        scene.listener.on_phase = [&](std::string_view phase) {
            if (phase == "repair")
                scene.sql("update players set galleons = 90 where id = 1");
        };
        const auto outcome = scene.perform(again).value();
        REQUIRE(outcome.error);
        CHECK(outcome.error->kind == Kind::moved);
        CHECK(scene.rows() == "'1ada90 2lin20'");
        CHECK(outcome.run.state == RunState::failed);
        scene.listener.on_phase = {};
        scene.sql("update players set galleons = 100 where id = 1");
        CHECK(scene.performed().run.state == RunState::done); // it let go of its lease
    }
    SECTION("a write that would do nothing now, though it was shown to do something") {
        scene.book("function runbook.repair(case) respawn.write { why = 'x', changes = { { update = "
                   "'players', "
                   "key = { id = 1 }, set = { note = 'paid' } } } } end");
        const auto again = scene.planned();
        scene.listener.on_phase = [&](std::string_view phase) {
            if (phase == "repair")
                scene.sql("update players set note = 'paid' where id = 1");
        };
        const auto outcome = scene.perform(again).value();
        REQUIRE(outcome.error);
        CHECK(outcome.error->kind == Kind::moved);
    }
}

TEST_CASE("a plan starts one run, also when it can be shown again unchanged") {
    Scene scene;
    scene.book("function runbook.notify(case) respawn.notify { text = 'hello' } end");
    const auto agreed = scene.planned();
    CHECK(scene.perform(agreed).value().run.state == RunState::done);
    CHECK(refused(scene.perform(agreed)).kind == Kind::moved);
    CHECK(split(trimmed(io::read_file(scene.root / "messages").value()), '\n').size() == 1);
    // Shown again, it is a new agreement.
    CHECK(scene.perform(scene.planned()).value().run.state == RunState::done);
}

TEST_CASE("what needs no doing is said, and a check that does not hold fails the run") {
    Scene scene;
    SECTION("not needed") {
        scene.book("function runbook.diagnose(case) respawn.require(false, 'all is well') end");
        const auto planned = scene.planned();
        CHECK(planned.not_needed);
        CHECK(run::exit_code(planned.ended_at->kind) == 0);
    }
    SECTION("a failed verify of a live run is exit 4, keeps what was done and the lease") {
        scene.book(
            "function runbook.repair(case) respawn.parks(1) end\n"
            "function runbook.verify(case) local r = respawn.sql { query = \"select note from players "
            "where id = 1\" } respawn.check('nobody noted it', r[1].note == nil) end");
        before_effect = [&]() -> Result<void> {
            scene.sql("update players set note = 'x' where id = 1");
            return {};
        };
        const auto outcome = scene.performed();
        REQUIRE(outcome.error);
        CHECK(run::exit_code(outcome.error->kind) == 4);
        CHECK_THAT(outcome.error->why, Catch::Contains("nobody noted it"));
        CHECK(outcome.run.state == RunState::failed);
        CHECK(scene.effects() == 1);
        CHECK(refused(scene.plan()).kind == Kind::failed_check); // the dry run sees it
        scene.sql("update players set note = null where id = 1");
        CHECK(refused(scene.perform(scene.planned())).kind == Kind::leased);
        // It resumes: the effect is not done again, and now the check holds.
        CHECK(scene.resumed(outcome.run.id).run.state == RunState::done);
        CHECK(scene.effects() == 1);
    }
}

TEST_CASE("a run that was killed goes on with the source that ran") {
    Scene scene;
    scene.paying_book("respawn.repeats(1) respawn.log('the first source')");
    const auto run = scene.killed_run(1);
    CHECK(scene.states(run).back() == CallState::intent);
    CHECK(scene.rows() == "'1ada150 2lin20'");
    SECTION("though the file was edited") {
        scene.book("function runbook.repair(case) respawn.log('another source') end");
    }
    SECTION("though the file is gone") { std::filesystem::remove_all(scene.root / "books"); }
    scene.listener.logs.clear();
    const auto outcome = scene.resumed(run);
    CHECK(outcome.run.state == RunState::done);
    CHECK(scene.listener.logs == std::vector<std::string>{ "the first source" });
    CHECK(scene.rows() == "'1ada150 2lin20'"); // paid once
    CHECK(scene.effects() == 1);
    CHECK(refused(scene.engine->resume(run, scene.listener, false)).kind == Kind::usage);
}

TEST_CASE("while nothing was done, diagnose is made afresh") {
    Scene scene;
    scene.book(
        "function runbook.diagnose(case) local r = respawn.sql { query = 'select note from players' } "
        "respawn.require(r[1].note == nil, 'it was noted') end\n"
        "function runbook.repair(case) respawn.repeats(1) end");
    const auto agreed = scene.planned();
    const auto child = ::fork();
    if (child == 0) {
        scene.open();
        Quiet dying;
        dying.on_phase = [](std::string_view phase) {
            if (phase == "repair")
                ::kill(::getpid(), SIGKILL);
        };
        (void)scene.engine->perform(scene.request(), agreed.plan, dying);
        ::_exit(1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    scene.sql("update players set note = 'by hand'");
    const auto outcome = scene.resumed(scene.newest().id);
    REQUIRE(outcome.error);
    CHECK(outcome.error->kind == Kind::not_needed);
    CHECK(outcome.run.state == RunState::not_needed);
    CHECK(scene.effects() == 0);
}

TEST_CASE("an effect whose outcome nobody knows is settled by its policy") {
    Scene scene;
    SECTION("repeat: it is done again") {
        scene.book("function runbook.repair(case) respawn.repeats(1) end");
        const auto run = scene.killed_run(1, true);
        CHECK(scene.resumed(run).run.state == RunState::done);
        CHECK(scene.effects() == 2);
    }
    SECTION("let go: maybe it happened, and the run goes on") {
        scene.book("function runbook.notify(case) respawn.lets_go(1) respawn.lets_go(2) end");
        const auto run = scene.killed_run(1);
        CHECK(scene.resumed(run).run.state == RunState::done);
        CHECK(scene.states(run) == std::vector{ CallState::maybe, CallState::done });
        CHECK(scene.effects() == 1);
    }
    SECTION("park: a person decides") {
        scene.book("function runbook.repair(case) respawn.parks(1) end");
        const bool happened = GENERATE(true, false);
        const auto run = scene.killed_run(1, happened);
        const auto parked = scene.resumed(run);
        REQUIRE(parked.error);
        CHECK(run::exit_code(parked.error->kind) == 5);
        CHECK_THAT(parked.error->fix, Catch::Contains("--step 1") && Catch::Contains(run));
        CHECK(parked.run.state == RunState::parked);
        CHECK(scene.states(run) == std::vector{ CallState::parked });
        CHECK(refused(scene.perform(scene.planned())).kind == Kind::leased);
        SECTION("nobody decides: it stays so") {
            CHECK(scene.resumed(run).run.state == RunState::parked);
            CHECK(scene.effects() == (happened ? 1 : 0));
        }
        SECTION("a person says") {
            const auto verdict = happened ? run::Verdict::happened : run::Verdict::redo;
            CHECK(refused(scene.engine->settle(run, 9, verdict)).kind == Kind::usage);
            REQUIRE(scene.engine->settle(run, 1, verdict).ok());
            CHECK(refused(scene.engine->settle(run, 1, verdict)).kind == Kind::usage);
            CHECK(scene.resumed(run).run.state == RunState::done);
            CHECK(scene.effects() == 1);
        }
        SECTION("a person gives up: the lease is free, what was done stays") {
            CHECK(scene.engine->abort(run).value().run.state == RunState::aborted);
            CHECK(refused(scene.engine->resume(run, scene.listener, false)).kind == Kind::usage);
            CHECK(scene.performed().run.state == RunState::done);
        }
    }
}

TEST_CASE("a call that is not the one in the journal parks the run and shows both") {
    Scene scene;
    scene.paying_book("respawn.repeats(1)");
    const auto run = scene.killed_run(1);
    scene.open();
    {
        auto journal = SqliteConnection::open(scene.root / "state/journal.db",
                                              SqliteConnection::Access::read_write)
                           .value();
        REQUIRE(journal.run("update calls set argument_hash = 'feedfeed' where position = 1").ok());
    }
    const auto outcome = scene.resumed(run);
    REQUIRE(outcome.error);
    CHECK(run::exit_code(outcome.error->kind) == 5);
    CHECK_THAT(outcome.error->why, Catch::Contains("feedfeed") && Catch::Contains("write"));
    CHECK(outcome.run.state == RunState::parked);
    CHECK(scene.rows() == "'1ada150 2lin20'");
    CHECK(scene.effects() == 0);
}

TEST_CASE("messages that cannot be sent do not stop a repair") {
    Scene scene;
    REQUIRE(std::filesystem::create_directory(scene.root / "messages")); // no file can be there
    scene.book(
        "function runbook.notify(case) respawn.notify { text = 'one' } respawn.notify { text = 'two' } "
        "respawn.repeats(1) end");
    const auto outcome = scene.performed();
    CHECK(outcome.run.state == RunState::done);
    CHECK(scene.states(outcome.run.id) ==
          std::vector{ CallState::maybe, CallState::maybe, CallState::done });
    CHECK_THAT(join(scene.listener.notes, "|"), Catch::Contains("NOT SENT"));
    CHECK(scene.effects() == 1);
}

TEST_CASE("a script catches what is its own, not what ends a run") {
    Scene scene;
    SECTION("a mistake in SQL it may catch") {
        scene.book("function runbook.diagnose(case) local ok = pcall(respawn.sql, { query = 'select "
                   "nosuch' }) "
                   "respawn.log(tostring(ok)) end");
        scene.planned();
        CHECK(scene.listener.logs == std::vector<std::string>{ "false" });
    }
    SECTION("that facts moved, or that a person is needed, it may not") {
        scene.book("function runbook.repair(case) pcall(respawn.write, { why = 'x', changes = { { "
                   "update = 'players', "
                   "key = { id = 1 }, set = { note = 'y' }, expect = { galleons = 1 } } } }) "
                   "respawn.repeats(1) end");
        CHECK(refused(scene.plan()).kind == Kind::moved);
        scene.book("function runbook.diagnose(case) pcall(respawn.wait_for_person, 'look') "
                   "respawn.log('on') end");
        CHECK(refused(scene.plan()).kind == Kind::needs_person);
        CHECK(scene.effects() == 0);
    }
}

TEST_CASE("Ctrl-C ends a run between two effects, and it can be resumed") {
    Scene scene;
    scene.book("function runbook.repair(case) respawn.repeats(1) respawn.repeats(2) end");
    const auto agreed = scene.planned();
    before_effect = [&]() -> Result<void> {
        scene.cancel.request();
        return {};
    };
    const auto outcome = scene.perform(agreed).value();
    REQUIRE(outcome.error);
    CHECK(run::exit_code(outcome.error->kind) == 130);
    CHECK(scene.effects() == 1);
    CHECK(scene.states(outcome.run.id) == std::vector{ CallState::done });
}
