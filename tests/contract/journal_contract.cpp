#include "contract/journal_rig.h"

#include "base/text.h"

#include <csignal>
#include <fcntl.h>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>

using namespace respawn;
using journal::CallRecord;
using journal::CallState;
using journal::Journal;
using journal::Policy;
using journal::RunRecord;
using journal::RunState;

namespace {

using testing::call;
using testing::canary;
using testing::journal_rigs;
using testing::JournalRig;
using testing::new_run;

struct Scene {
    explicit Scene(const JournalRig& rig) : rig_(rig) {
        place = rig_.make(folder.path());
        reopen();
    }
    ~Scene() {
        journal.reset();
        rig_.remove(place);
    }
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
    void reopen() {
        journal.reset();
        auto opened = rig_.open(place, key);
        INFO((opened.ok() ? "" : opened.error().why));
        REQUIRE(opened.ok());
        journal = std::move(opened).value();
    }
    RunRecord started(std::string target = "/") const {
        auto run = new_run(std::move(target));
        const auto done = journal->start_run(run, {});
        INFO((done.ok() ? "" : done.error().why));
        REQUIRE(done.ok());
        return run;
    }
    // What a process of its own does with the journal, which then is killed.
    void by_a_dead_process(const std::function<void(Journal&)>& body) const {
        const auto child = ::fork();
        if (child == 0) {
            auto own = rig_.open(place, key);
            if (own.ok())
                body(*own.value());
            ::kill(::getpid(), SIGKILL);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
    }
    std::vector<CallState> states(const RunRecord& run) const {
        std::vector<CallState> all;
        for (const auto& recorded : journal->calls(run.id).value())
            all.push_back(recorded.state);
        return all;
    }

    JournalRig rig_;
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    config::ComponentSettings place;
    crypto::Key key = crypto::Key::random();
    std::unique_ptr<Journal> journal;
};

template <class T> Kind kind_of(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    INFO(result.error().why);
    CHECK_FALSE(result.error().why.empty());
    return result.error().kind;
}

} // namespace

TEST_CASE("a lease is held by one run, over all that lies in its target", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto duel = scene.started("/duel:7/");
        SECTION("what contains it, lies in it or is it, is taken; what lies beside is free") {
            for (const auto* target : { "/", "/duel:7/", "/duel:7/round:1/" }) {
                CAPTURE(target);
                auto other = new_run(target);
                const auto refused = scene.journal->start_run(other, {});
                CHECK(kind_of(refused) == Kind::leased);
                CHECK_THAT(refused.error().why, Catch::Contains(duel.id));
                CHECK_THAT(refused.error().fix, Catch::Contains(duel.id));
                CHECK(kind_of(scene.journal->run(other.id)) == Kind::missing);
            }
            auto beside = new_run("/duel:77/");
            CHECK(scene.journal->start_run(beside, {}).ok());
            CHECK(beside.token > duel.token);
        }
        SECTION("a run that ended lets go") {
            const auto end = GENERATE(RunState::done, RunState::not_needed, RunState::aborted);
            REQUIRE(scene.journal->begin(duel.id, call(1, Policy::probe, CallState::intent)).ok());
            REQUIRE(scene.journal->set_state(duel.id, end, nullptr).ok());
            auto next = new_run("/");
            CHECK(scene.journal->start_run(next, {}).ok());
        }
        SECTION("a run that failed or waits after it touched something keeps it") {
            const auto end = GENERATE(RunState::failed, RunState::parked);
            REQUIRE(scene.journal->begin(duel.id, call(1, Policy::probe, CallState::intent)).ok());
            REQUIRE(scene.journal->set_state(duel.id, end, nullptr).ok());
            auto next = new_run("/");
            const auto refused = scene.journal->start_run(next, {});
            CHECK(kind_of(refused) == Kind::leased);
            CHECK_THAT(refused.error().fix, Catch::Contains("respawn resume " + duel.id));
        }
        SECTION("a run that failed before it touched anything keeps nothing") {
            REQUIRE(scene.journal->note(duel.id, call(1)).ok());
            REQUIRE(scene.journal->set_state(duel.id, RunState::failed, nullptr).ok());
            auto next = new_run("/");
            CHECK(scene.journal->start_run(next, {}).ok());
        }
    }
}

TEST_CASE("a run is taken over only from the dead, or when it stopped by itself", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        SECTION("not while its process lives") {
            const auto run = scene.started();
            CHECK(kind_of(scene.journal->take_over(run.id)) == Kind::leased);
            CHECK(scene.journal->run(run.id).value().token == run.token);
        }
        SECTION("when its process was killed, under a higher token and this process's name") {
            auto run = new_run();
            scene.by_a_dead_process([&](Journal& own) { (void)own.start_run(run, {}); });
            const auto before = scene.journal->run(run.id).value();
            CHECK(journal::liveness(before.holder) == journal::Liveness::dead);
            auto other = new_run();
            CHECK(kind_of(scene.journal->start_run(other, {})) == Kind::leased);
            const auto taken = scene.journal->take_over(run.id).value();
            CHECK(taken.token > before.token);
            CHECK(taken.holder == journal::this_process());
            CHECK(taken.state == RunState::running);
            CHECK(taken.parameters == before.parameters);
            CHECK(kind_of(scene.journal->take_over(run.id)) == Kind::leased);
        }
        SECTION("when it is parked or failed; its error is gone then") {
            const auto state = GENERATE(RunState::parked, RunState::failed);
            const auto run = scene.started();
            REQUIRE(scene.journal->set_state(run.id, state, Value::Map{ { "why", "x" } }).ok());
            CHECK(scene.journal->run(run.id).value().error.text_at("why") == "x");
            CHECK(scene.journal->take_over(run.id).value().token > run.token);
            CHECK(scene.journal->run(run.id).value().error.is_null());
            CHECK(scene.journal->run(run.id).value().state == RunState::running);
        }
        SECTION("never when it has ended") {
            const auto state = GENERATE(RunState::done, RunState::not_needed, RunState::aborted);
            const auto run = scene.started();
            REQUIRE(scene.journal->set_state(run.id, state, nullptr).ok());
            CHECK(kind_of(scene.journal->take_over(run.id)) == Kind::usage);
        }
        SECTION("not when another works on its target meanwhile") {
            const auto run = scene.started("/duel:7/");
            REQUIRE(scene.journal->set_state(run.id, RunState::failed, nullptr).ok());
            const auto other = scene.started("/");
            CHECK(kind_of(scene.journal->take_over(run.id)) == Kind::leased);
        }
        SECTION("by one of several who try at once") {
            auto run = new_run();
            scene.by_a_dead_process([&](Journal& own) { (void)own.start_run(run, {}); });
            std::vector<pid_t> children;
            int ready[2];
            REQUIRE(::pipe(ready) == 0);
            for (int i = 0; i < 4; ++i) {
                children.push_back(::fork());
                if (children.back() != 0)
                    continue;
                ::close(ready[1]);
                char byte = 0;
                (void)!::read(ready[0], &byte, 1); // all begin together
                auto own = scene.rig_.open(scene.place, scene.key);
                const bool took = own.ok() && own.value()->take_over(run.id).ok();
                if (took)
                    ::pause(); // lives on as the holder
                ::_exit(7);
            }
            ::close(ready[0]);
            ::close(ready[1]);
            int losers = 0;
            for (int i = 0; i < 3; ++i) {
                int status = 0;
                const auto gone = ::wait(&status);
                losers += WIFEXITED(status) && WEXITSTATUS(status) == 7;
                std::erase(children, gone);
            }
            CHECK(losers == 3);
            REQUIRE(children.size() == 1);
            CHECK(scene.journal->run(run.id).value().holder.pid == children[0]);
            ::kill(children[0], SIGKILL);
            ::waitpid(children[0], nullptr, 0);
        }
    }
}

TEST_CASE("what a call was told of is durable when it has to be", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        SECTION("an intent outlives the process, with the reads before it") {
            auto run = new_run();
            scene.by_a_dead_process([&](Journal& own) {
                (void)own.start_run(run, { { "stuck_duel", "return {}" } });
                (void)own.note(run.id, call(1));
                (void)own.begin(run.id, call(2, Policy::probe, CallState::intent));
                (void)own.note(run.id, call(3)); // may be lost: it is made again
            });
            REQUIRE(scene.states(run).size() == 2);
            CHECK(scene.states(run) == std::vector{ CallState::done, CallState::intent });
            const auto calls = scene.journal->calls(run.id).value();
            CHECK(calls[0].result.at("value") == Value(canary));
            CHECK(calls[1].arguments.at("wallet") == Value(canary));
            CHECK(calls[1].policy == Policy::probe);
            CHECK(calls[1].where == "stuck_duel.lua:7");
            CHECK(calls[1].result.is_null());
            CHECK(scene.journal->sources(run.id).value().at("stuck_duel") == "return {}");
        }
        SECTION("a result outlives it too, and so does how the run ended") {
            auto run = new_run();
            scene.by_a_dead_process([&](Journal& own) {
                (void)own.start_run(run, {});
                (void)own.begin(run.id, call(1, Policy::park, CallState::intent));
                (void)own.settle(run.id, 1, CallState::parked, Value::Map{ { "why", "x" } });
                (void)own.set_phase(run.id, "repair");
                (void)own.note(run.id, call(2));
                (void)own.set_state(run.id, RunState::parked, Value::Map{ { "why", "y" } });
            });
            CHECK(scene.states(run) == std::vector{ CallState::parked, CallState::done });
            const auto kept = scene.journal->run(run.id).value();
            CHECK(kept.phase == "repair");
            CHECK(kept.state == RunState::parked);
            CHECK(kept.error.text_at("why") == "y");
            CHECK(kept.finished >= kept.started);
        }
        SECTION("reads can be thrown away, effects never") {
            const auto run = scene.started();
            REQUIRE(scene.journal->note(run.id, call(1)).ok());
            REQUIRE(scene.journal->note(run.id, call(2)).ok());
            REQUIRE(scene.journal->forget_reads(run.id, 2).ok());
            CHECK(scene.states(run).size() == 1);
            REQUIRE(scene.journal->begin(run.id, call(2, Policy::let_go, CallState::intent)).ok());
            CHECK(kind_of(scene.journal->forget_reads(run.id, 1)) == Kind::internal);
            CHECK(scene.states(run).size() == 2);
            CHECK(scene.journal->forget_reads(run.id, 3).ok());
        }
        SECTION("a failed call is begun again; one that happened or may have is not") {
            const auto run = scene.started();
            const auto intent = call(1, Policy::probe, CallState::intent);
            REQUIRE(scene.journal->begin(run.id, intent).ok());
            REQUIRE(scene.journal->begin(run.id, intent).ok()); // a probe found that it did not happen
            REQUIRE(scene.journal->settle(run.id, 1, CallState::failed, nullptr).ok());
            REQUIRE(scene.journal->begin(run.id, intent).ok());
            const auto end = GENERATE(CallState::done, CallState::maybe, CallState::parked);
            REQUIRE(scene.journal->settle(run.id, 1, end, Value::Map{ { "value", 1 } }).ok());
            CHECK(kind_of(scene.journal->begin(run.id, intent)) == Kind::internal);
            CHECK(scene.states(run) == std::vector{ end });
        }
        SECTION("what was never begun cannot be settled") {
            const auto run = scene.started();
            CHECK(kind_of(scene.journal->settle(run.id, 1, CallState::done, nullptr)) ==
                  Kind::internal);
        }
        SECTION("runs are found by their id's beginning, the newest first") {
            const auto first = scene.started("/a/");
            const auto second = scene.started("/b/");
            CHECK(scene.journal->runs(10).value().at(0).id == second.id);
            CHECK(scene.journal->runs(1).value().size() == 1);
            CHECK(scene.journal->run(first.id).value().target == "/a/");
            CHECK(kind_of(scene.journal->run(first.id.substr(0, 2))) == Kind::conflict);
            CHECK(kind_of(scene.journal->run("ZZZZ")) == Kind::missing);
            CHECK(kind_of(scene.journal->run("")) != Kind::internal);
            CHECK(kind_of(scene.journal->run("%")) == Kind::missing);
        }
    }
}

TEST_CASE("a plan is shown, found by its beginning, and used once", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto plan = [](std::string hash) {
            return journal::PlanRecord{ .hash = std::move(hash),
                                        .runbook = "wox/stuck_duel",
                                        .version = "1.0.0",
                                        .operator_name = "ada",
                                        .parameters = Value::Map{ { "wallet", canary } },
                                        .sources = Value::Map{ { "m", "return 1" } },
                                        .effects = Value::List{ canary },
                                        .made = now(),
                                        .used_by = {} };
        };
        const std::string one = "abcdef1" + std::string(57, '0');
        const std::string two = "abcdef2" + std::string(57, '0');
        REQUIRE(scene.journal->save_plan(plan(one)).ok());
        REQUIRE(scene.journal->save_plan(plan(two)).ok());
        SECTION("by a prefix that is long enough, of digits, and the only one") {
            CHECK(scene.journal->plan("abcdef1").value().hash == one);
            CHECK(scene.journal->plan("abcdef1").value().effects == Value(Value::List{ canary }));
            CHECK(kind_of(scene.journal->plan("abcdef")) == Kind::conflict);
            CHECK(kind_of(scene.journal->plan("abcde")) == Kind::usage);
            CHECK(kind_of(scene.journal->plan("")) == Kind::usage);
            CHECK(kind_of(scene.journal->plan("abcdef%")) == Kind::usage);
            CHECK(kind_of(scene.journal->plan("999999")) == Kind::missing);
        }
        SECTION("a second run with it is refused and leaves no run and no lease") {
            auto first = new_run("/a/");
            first.plan = one;
            REQUIRE(scene.journal->start_run(first, {}).ok());
            CHECK(scene.journal->plan(one).value().used_by == first.id);
            auto second = new_run("/b/");
            second.plan = one;
            CHECK(kind_of(scene.journal->start_run(second, {})) == Kind::moved);
            CHECK(kind_of(scene.journal->run(second.id)) == Kind::missing);
            auto third = new_run("/b/");
            CHECK(scene.journal->start_run(third, {}).ok());
        }
    }
}

TEST_CASE("a plan that needs approvals starts a run only with enough of them, which it uses up",
          "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const std::string hash = "abcdef1" + std::string(57, '0');
        const auto shown = [&] {
            return scene.journal->save_plan({ .hash = hash,
                                              .runbook = "wox/stuck_duel",
                                              .version = "1.0.0",
                                              .operator_name = "ada",
                                              .effects = Value::List{},
                                              .made = now() });
        };
        const auto approve = [&](const std::string& who, Duration span) {
            const auto made = now();
            return scene.journal->approve({ .plan = hash,
                                            .requester = "ada",
                                            .approver = who,
                                            .reason = "looked",
                                            .made = made,
                                            .expires = made + span });
        };
        const auto start = [&](std::int64_t approvals) {
            auto run = new_run("/a/");
            run.plan = hash;
            run.operator_name = "ada";
            run.approvals = approvals;
            return scene.journal->start_run(run, {});
        };
        const Duration hour = std::chrono::hours(1);
        REQUIRE(shown().ok());
        SECTION("of others, that have not run out, each person's once") {
            CHECK(kind_of(start(1)) == Kind::needs_person);
            REQUIRE(approve("ada", hour).ok()); // the operator's own is none
            REQUIRE(approve("mo", Duration(0)).ok());
            CHECK(kind_of(start(1)) == Kind::needs_person);
            REQUIRE(approve("lin", hour).ok());
            REQUIRE(approve("lin", hour).ok());
            CHECK(kind_of(start(2)) == Kind::needs_person);
            CHECK(scene.journal->plan(hash).value().used_by.empty());
            REQUIRE(approve("mo", hour).ok());
            REQUIRE(start(2).ok());
            const auto all = scene.journal->approvals(hash).value();
            const auto run = scene.journal->plan(hash).value().used_by;
            CHECK(std::count_if(all.begin(), all.end(),
                                [&](const auto& one) { return one.used_by == run; }) == 2);
            CHECK(std::none_of(all.begin(), all.end(),
                               [](const auto& one) { return one.holds && one.approver != "ada"; }));
        }
        SECTION("used up with the run, also when the same plan is made again") {
            REQUIRE(approve("lin", hour).ok());
            REQUIRE(start(1).ok());
            CHECK(kind_of(approve("lin", hour)) == Kind::conflict);
            REQUIRE(
                scene.journal
                    ->set_state(scene.journal->plan(hash).value().used_by, RunState::aborted, nullptr)
                    .ok());
            REQUIRE(shown().ok());
            CHECK(kind_of(start(1)) == Kind::needs_person);
            REQUIRE(approve("lin", hour).ok());
            CHECK(start(1).ok());
        }
        SECTION("by a run that goes on under a new plan, too") {
            auto run = new_run("/b/");
            REQUIRE(scene.journal->start_run(run, {}).ok());
            run.plan = hash;
            run.approvals = 1;
            CHECK(kind_of(scene.journal->adopt_plan(run)) == Kind::needs_person);
            CHECK(scene.journal->run(run.id).value().plan.empty());
            REQUIRE(approve("lin", hour).ok());
            REQUIRE(scene.journal->adopt_plan(run).ok());
            CHECK(scene.journal->run(run.id).value().plan == hash);
            CHECK(scene.journal->plan(hash).value().used_by == run.id);
        }
    }
}

TEST_CASE("answers are kept in their order, by the holder of their run alone", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        auto run = new_run();
        REQUIRE(scene.journal->start_run(run, {}).ok());
        REQUIRE(scene.journal->save_answer(run.id, { .question = "q1", .answer = canary, .by = "lin" })
                    .ok());
        REQUIRE(
            scene.journal->save_answer(run.id, { .question = "q1", .answer = "no", .by = "mo" }).ok());
        scene.reopen();
        const auto answers = scene.journal->answers(run.id).value();
        REQUIRE(answers.size() == 2);
        CHECK(answers[0].number == 1);
        CHECK(answers[0].answer == canary);
        CHECK(answers[1].number == 2);
        CHECK(answers[1].by == "mo");
        CHECK(kind_of(scene.journal->save_answer(run.id, { .question = "q2", .answer = "x" })) ==
              Kind::internal);
    }
}

TEST_CASE("what another hand does to the records of runs is found", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        auto run = new_run("/a/");
        REQUIRE(scene.journal->start_run(run, {}).ok());
        REQUIRE(scene.journal->set_phase(run.id, "repair").ok());
        REQUIRE(scene.journal->note(run.id, call(1)).ok());
        REQUIRE(scene.journal->begin(run.id, call(2, Policy::probe, CallState::intent)).ok());
        REQUIRE(scene.journal->settle(run.id, 2, CallState::done, Value("paid")).ok());
        REQUIRE(
            scene.journal->save_answer(run.id, { .question = "q", .answer = "yes", .by = "lin" }).ok());
        REQUIRE(scene.journal->note(run.id, call(3)).ok());
        REQUIRE(scene.journal->set_phase(run.id, "verify").ok());
        REQUIRE(scene.journal->forget_reads(run.id, 3).ok());
        REQUIRE(scene.journal->set_state(run.id, RunState::done, nullptr).ok());
        const auto before = scene.journal->audit({}).value();
        INFO(join(before.faults, "; "));
        REQUIRE(before.faults.empty());
        CHECK(before.entries >= 8);
        const auto faults = [&](const std::string& head = {}) {
            scene.reopen();
            return join(scene.journal->audit(head).value().faults, "; ");
        };
        SECTION("all goes on from there, and an old head stays in the chain") {
            auto second = new_run("/b/");
            REQUIRE(scene.journal->start_run(second, {}).ok());
            CHECK(faults(before.head).empty());
            CHECK_THAT(faults("1:00ff"), Catch::Contains("does not lie in the chain"));
        }
        SECTION("a changed row") {
            REQUIRE(rig.sql(scene.place, "update calls set state = 'failed' where position = 2"));
            CHECK(faults() == "calls " + run.id + " 2 was changed since respawn wrote it");
        }
        SECTION("a row that is gone, and one that came from elsewhere") {
            REQUIRE(rig.sql(scene.place, "update calls set position = 9 where position = 1"));
            CHECK(faults() == "calls " + run.id + " 9 was not written by respawn; calls " + run.id +
                                  " 1 was taken away");
        }
        SECTION("an entry of the chain that is changed, with its row") {
            REQUIRE(rig.sql(scene.place, "update audit set content = '' where number = 2"));
            CHECK_THAT(faults(), Catch::Contains("entry 2 of the chain is not the one"));
        }
        SECTION("the last entries taken away") {
            REQUIRE(rig.sql(scene.place, "delete from audit where number > 3"));
            CHECK_THAT(faults(), Catch::Contains("the end of the chain was taken away"));
        }
        SECTION(
            "the whole chain cut off before, its head put right: only one who kept the head knows") {
            REQUIRE(
                rig.sql(scene.place,
                        "delete from answers; delete from calls; delete from run_sources; delete "
                        "from runs; delete from audit; update audit_head set number = 0, mac = ''"));
            CHECK(faults().empty());
            CHECK_THAT(faults(before.head), Catch::Contains("does not lie in the chain"));
        }
        SECTION("a copy is as good as the journal itself") {
            const auto copy = scene.folder.path() / "copy.db";
            REQUIRE(scene.journal->copy_to(copy).ok());
            auto journal = journal::open_local_journal(copy, scene.key).value();
            CHECK(journal->audit(before.head).value().faults.empty());
        }
    }
}

TEST_CASE("records of runs that ended long ago go, those of others stay", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto started = [&](std::string target, RunState state) {
            auto run = new_run(std::move(target));
            REQUIRE(scene.journal->start_run(run, { { "book", "return " + run.id } }).ok());
            REQUIRE(scene.journal->begin(run.id, call(1, Policy::probe, CallState::intent)).ok());
            REQUIRE(scene.journal->settle(run.id, 1, CallState::done, Value("paid")).ok());
            if (state != RunState::running)
                REQUIRE(scene.journal->set_state(run.id, state, nullptr).ok());
            return run.id;
        };
        const auto done = started("/a/", RunState::done), aborted = started("/b/", RunState::aborted);
        const auto failed = started("/c/", RunState::failed), parked = started("/d/", RunState::parked);
        const auto running = started("/e/", RunState::running);
        const auto head = scene.journal->audit({}).value().head;
        CHECK(scene.journal->remove_ended(now() + -std::chrono::hours(1)).value() == 0);
        CHECK(scene.journal->remove_ended(now() + std::chrono::hours(1)).value() == 2);
        for (const auto& gone : { done, aborted }) {
            CHECK(kind_of(scene.journal->run(gone)) == Kind::missing);
            CHECK(scene.journal->calls(gone).value().empty());
            CHECK(scene.journal->sources(gone).value().empty());
        }
        for (const auto& kept : { failed, parked, running }) { // what is half done holds its lease
            CHECK(scene.journal->calls(kept).value().size() == 1);
            CHECK(scene.journal->sources(kept).value().size() == 1);
        }
        const auto report = scene.journal->audit(head).value();
        INFO(join(report.faults, "; "));
        CHECK(report.faults.empty());
    }
}

TEST_CASE("a database that went back is noticed, naming the runs lost with it", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto run = scene.started();
        REQUIRE(scene.journal->begin(run.id, call(1, Policy::probe, CallState::intent)).ok());
        REQUIRE(scene.journal->settle(run.id, 1, CallState::done, nullptr).ok());
        REQUIRE(scene.journal->note_marker("game", { "", 0 }).ok()); // not written to yet
        REQUIRE(scene.journal->note_marker("game", { "A", 4 }).ok());
        REQUIRE(scene.journal->note_marker("game", { "A", 4 }).ok());
        REQUIRE(scene.journal->note_marker("game", { "A", 6 }).ok());
        REQUIRE(scene.journal->note_marker("other", { "B", 1 }).ok());
        scene.reopen();
        const auto back = scene.journal->note_marker("game", { "A", 5 });
        CHECK(kind_of(back) == Kind::moved);
        CHECK_THAT(back.error().why, Catch::Contains(run.id) && Catch::Contains("6"));
        CHECK(kind_of(scene.journal->note_marker("game", { "", 0 })) == Kind::moved);
        CHECK(kind_of(scene.journal->note_marker("game", { "C", 9 })) == Kind::moved);
        CHECK(scene.journal->note_marker("game", { "A", 6 }).ok());
        REQUIRE(scene.journal->accept_marker("game", { "A", 5 }).ok());
        CHECK(scene.journal->note_marker("game", { "A", 5 }).ok());
    }
}

TEST_CASE("player data stands in the journal sealed", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        const auto run = scene.started();
        REQUIRE(scene.journal->note(run.id, call(1)).ok());
        REQUIRE(scene.journal->begin(run.id, call(2, Policy::probe, CallState::intent)).ok());
        REQUIRE(scene.journal->settle(run.id, 2, CallState::done, Value::Map{ { "v", canary } }).ok());
        REQUIRE(scene.journal
                    ->save_plan({ .hash = std::string(64, 'a'),
                                  .runbook = "r",
                                  .version = "1",
                                  .operator_name = "ada",
                                  .parameters = canary,
                                  .sources = Value::Map{},
                                  .effects = Value::List{ canary },
                                  .made = now(),
                                  .used_by = {} })
                    .ok());
        REQUIRE(
            scene.journal->set_state(run.id, RunState::failed, Value::Map{ { "why", canary } }).ok());
        REQUIRE(scene.journal->copy_to(scene.folder.path() / "copy.db").ok());
        SECTION("no file holds a plain word of it") {
            std::size_t looked_at = 0;
            for (const auto& entry : std::filesystem::directory_iterator(scene.folder.path())) {
                const auto bytes = io::read_file(entry.path()).value();
                looked_at += bytes.size();
                CAPTURE(entry.path().string());
                CHECK(bytes.find("CANARY") == std::string::npos);
            }
            CHECK(looked_at > 10'000); // the copy holds every row of the journal
        }
        SECTION("a copy is a whole local journal") {
            auto copy = journal::open_local_journal(scene.folder.path() / "copy.db", scene.key).value();
            CHECK(copy->calls(run.id).value().at(1).result.at("v") == Value(canary));
            CHECK(copy->run(run.id).value().token == run.token);
            CHECK(copy->take_over(run.id).value().token > run.token);
            CHECK_FALSE(scene.journal->copy_to(scene.folder.path() / "copy.db").ok());
        }
        SECTION("another key reads none of it, adds nothing to it, and says so") {
            scene.key = crypto::Key::random();
            scene.reopen();
            CHECK(kind_of(scene.journal->run(run.id)) == Kind::denied);
            CHECK(kind_of(scene.journal->calls(run.id)) == Kind::denied);
            CHECK(kind_of(scene.journal->plan("aaaaaa")) == Kind::denied);
            auto next = new_run("/other/");
            CHECK(kind_of(scene.journal->start_run(next, {})) == Kind::denied);
        }
    }
}

TEST_CASE("many processes use one journal at once", "[contract]") {
    const auto rig = GENERATE(from_range(journal_rigs()));
    Scene scene(rig);
    DYNAMIC_SECTION(rig.store) {
        constexpr int processes = 4, runs_each = 5;
        std::vector<pid_t> children;
        scene.journal.reset(); // they make it themselves, all at once
        rig.remove(scene.place);
        scene.place = rig.make(scene.folder.path());
        for (int i = 0; i < processes; ++i) {
            children.push_back(::fork());
            if (children.back() != 0)
                continue;
            auto own = rig.open(scene.place, scene.key);
            bool all = own.ok();
            for (int n = 0; all && n < runs_each; ++n) {
                auto run = new_run("/" + std::to_string(i) + "/");
                all = own.value()->start_run(run, { { "m", "same text" } }).ok() &&
                      own.value()->begin(run.id, call(1, Policy::probe, CallState::intent)).ok() &&
                      own.value()->settle(run.id, 1, CallState::done, nullptr).ok() &&
                      own.value()->set_state(run.id, RunState::done, nullptr).ok();
            }
            ::_exit(all ? 0 : 1);
        }
        for (const auto child : children) {
            int status = 0;
            REQUIRE(::waitpid(child, &status, 0) == child);
            CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
        }
        scene.reopen();
        std::vector<std::int64_t> tokens;
        for (const auto& run : scene.journal->runs(100).value())
            tokens.push_back(run.token);
        REQUIRE(tokens.size() == processes * runs_each);
        std::sort(tokens.begin(), tokens.end());
        CHECK(std::adjacent_find(tokens.begin(), tokens.end()) == tokens.end());
    }
}
