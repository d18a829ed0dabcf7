// What only a journal of several hosts has: leases that end, hosts that are silent, a server that goes.
#include "contract/journal_rig.h"
#include "database/postgres.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace respawn;
using namespace respawn::testing;
using journal::CallState;
using journal::Journal;
using journal::Policy;
using journal::RunState;

namespace {

// Which host this process is.
void be_host(const std::string& name) { ::setenv("RESPAWN_HOST", name.c_str(), 1); }

// Until it is so; a minute is for ever here.
bool becomes(const std::function<bool()>& so) {
    const auto give_up = now() + std::chrono::minutes(1);
    while (!so()) {
        if (now() > give_up)
            return false;
        ::usleep(5000);
    }
    return true;
}

struct Fleet {
    explicit Fleet(Duration short_lease = std::chrono::milliseconds(600)) : lease(short_lease) {
        be_host("here");
    }
    ~Fleet() {
        ::unsetenv("RESPAWN_HOST");
        drop_fleet_database(place);
    }
    Fleet(const Fleet&) = delete;
    Fleet& operator=(const Fleet&) = delete;
    std::unique_ptr<Journal> open() const {
        auto opened = journal::open_fleet_journal({ place, lease }, key);
        if (!opened.ok())
            FAIL(opened.error().why);
        return std::move(opened).value();
    }
    // Another host: a process that does this and then stays as it is.
    pid_t host(const std::string& name, const std::function<void(Journal&)>& body) const {
        const auto child = ::fork();
        if (child != 0)
            return child;
        be_host(name);
        auto own = journal::open_fleet_journal({ place, lease }, key);
        if (own.ok())
            body(*own.value());
        for (;;)
            ::pause();
    }
    Result<std::unique_ptr<Journal>> with_key(const crypto::Key& other) const {
        return journal::open_fleet_journal({ place, lease }, other);
    }

    config::ComponentSettings place = new_fleet_database();
    crypto::Key key = crypto::Key::random();
    Duration lease;
};

void end(pid_t process) {
    ::kill(process, SIGKILL);
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
}

Kind kind_of(const Result<void>& result) {
    REQUIRE_FALSE(result.ok());
    UNSCOPED_INFO(result.error().why);
    return result.error().kind;
}

} // namespace

TEST_CASE("a host that lives keeps its run, however long its step takes", "[contract]") {
    const Fleet fleet;
    const auto here = fleet.open();
    auto run = new_run();
    const auto far = fleet.host("far", [&](Journal& own) { (void)own.start_run(run, {}); });
    REQUIRE(becomes([&] { return here->run(run.id).ok(); }));
    const auto first = here->run(run.id).value();
    CHECK(first.life == journal::Liveness::elsewhere);
    // Three leases long nothing is written but the heart beats.
    REQUIRE(
        becomes([&] { return here->run(run.id).value().updated - first.updated > 3 * fleet.lease; }));
    CHECK_FALSE(is_interrupted(here->run(run.id).value()));
    const auto refused = here->take_over(run.id);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == Kind::leased);
    CHECK_THAT(refused.error().why, Catch::Contains("far"));
    end(far);
}

TEST_CASE("a host that is gone is waited for until its lease ends, and no longer", "[contract]") {
    const Fleet fleet;
    const auto here = fleet.open();
    auto run = new_run();
    const auto far = fleet.host("far", [&](Journal& own) {
        (void)own.start_run(run, {});
        ::kill(::getpid(), SIGKILL);
    });
    int status = 0;
    REQUIRE(::waitpid(far, &status, 0) == far);
    const auto left = here->run(run.id).value();
    CHECK(left.life == journal::Liveness::elsewhere);
    if (left.lease_left > Duration::zero())
        CHECK_FALSE(is_interrupted(left));
    REQUIRE(becomes([&] { return is_interrupted(here->run(run.id).value()); }));
    CHECK(here->run(run.id).value().silent >= fleet.lease);
    const auto taken = here->take_over(run.id);
    REQUIRE(taken.ok());
    CHECK(here->run(run.id).value().holder == journal::this_process());
    CHECK(here->run(run.id).value().life == journal::Liveness::alive);
}

TEST_CASE("a machine of the same name that was booted since is no dead host of a fleet", "[contract]") {
    auto holder = journal::this_process();
    holder.boot = "7f9f2f0e-4c3a-4a0e-9d55-0d6a1f3b8c11";
    CHECK(journal::liveness(holder, journal::Sharing::fleet) == journal::Liveness::elsewhere);
    CHECK(journal::liveness(holder, journal::Sharing::machine) == journal::Liveness::dead);
    be_host("container"); // of the same kernel, with processes of its own
    const auto contained = journal::this_process();
    ::unsetenv("RESPAWN_HOST");
    CHECK(journal::liveness(contained, journal::Sharing::machine) == journal::Liveness::elsewhere);
    CHECK(journal::liveness(journal::this_process(), journal::Sharing::fleet) ==
          journal::Liveness::alive);
}

TEST_CASE("a host that slept through its lease can write nothing more about its run", "[contract]") {
    const Fleet fleet;
    const auto here = fleet.open();
    auto run = new_run();
    REQUIRE(here->start_run(run, {}).ok());
    REQUIRE(here->begin(run.id, call(1, Policy::probe, CallState::intent)).ok());
    // What the others do while it sleeps: the lease has ended, and one of them takes the run.
    REQUIRE(
        fleet_sql(fleet.place, "update runs set token = token + 1, host = 'far', boot = 'b', pid = 1"));
    const std::vector<std::function<Result<void>()>> writes = {
        [&] { return here->settle(run.id, 1, CallState::done, nullptr); },
        [&] { return here->begin(run.id, call(2, Policy::probe, CallState::intent)); },
        [&] { return here->set_phase(run.id, "verify"); },
        [&] { return here->forget_reads(run.id, 2); },
        [&] { return here->set_state(run.id, RunState::done, nullptr); }
    };
    for (const auto& write : writes) {
        const auto refused = write();
        CHECK(kind_of(refused) == Kind::leased);
        CHECK_THAT(refused.error().why, Catch::Contains("taken over by process 1 on far"));
    }
    CHECK(here->calls(run.id).value().size() == 1);
    CHECK(here->calls(run.id).value()[0].state == CallState::intent);
    CHECK(here->run(run.id).value().state == RunState::running);
    CHECK(kind_of(here->settle("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1, CallState::done, nullptr)) ==
          Kind::internal);
}

TEST_CASE("what no token guards begins only while the run is held", "[contract]") {
    const Fleet fleet(std::chrono::seconds(30));
    const auto here = fleet.open();
    auto run = new_run();
    REQUIRE(here->start_run(run, {}).ok());
    CHECK(here->must_hold(run.id).ok());
    REQUIRE(here->set_state(run.id, RunState::done, nullptr).ok());
    CHECK_FALSE(here->must_hold(run.id).ok());
}

TEST_CASE("a process that was stopped past its lease does nothing when it wakes up", "[contract]") {
    const Fleet fleet;
    // What the two processes tell each other.
    struct Board {
        std::atomic<int> step = 0, asked = 0, wrote = 0;
    };
    auto* board =
        new (::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
            Board;
    auto run = new_run();
    const auto far = fleet.host("far", [&](Journal& own) {
        (void)own.start_run(run, {});
        (void)own.begin(run.id, call(1, Policy::park, CallState::intent));
        board->step = 1;
        ::raise(SIGSTOP);
        board->asked = own.must_hold(run.id).ok() ? 1 : 2;
        board->wrote = own.settle(run.id, 1, CallState::done, nullptr).ok() ? 1 : 2;
    });
    REQUIRE(becomes([&] { return board->step == 1; }));
    int status = 0;
    REQUIRE(::waitpid(far, &status, WUNTRACED) == far);
    const auto here = fleet.open();
    REQUIRE(becomes([&] { return here->take_over(run.id).ok(); }));
    ::kill(far, SIGCONT);
    REQUIRE(becomes([&] { return board->wrote != 0; }));
    CHECK(board->asked == 2);
    CHECK(board->wrote == 2);
    CHECK(here->calls(run.id).value().at(0).state == CallState::intent);
    CHECK(here->settle(run.id, 1, CallState::failed, nullptr).ok());
    end(far);
    ::munmap(board, sizeof(Board));
}

TEST_CASE("the server's connections are lost and made again", "[contract]") {
    const Fleet fleet(std::chrono::seconds(30));
    const auto here = fleet.open();
    auto run = new_run();
    REQUIRE(here->start_run(run, {}).ok());
    const auto cut = [&] {
        REQUIRE(fleet_sql(fleet.place,
                          "select pg_terminate_backend(pid) from pg_stat_activity where pid "
                          "<> pg_backend_pid() and datname = current_database()"));
    };
    cut();
    CHECK(here->begin(run.id, call(1, Policy::probe, CallState::intent)).ok());
    cut();
    CHECK(here->calls(run.id).value().size() == 1);
    cut();
    CHECK(here->set_state(run.id, RunState::parked, nullptr).ok());
}

TEST_CASE("a step costs the fleet's server two commits", "[contract]") {
    const Fleet fleet(std::chrono::seconds(30));
    constexpr int steps = 100;
    {
        const auto here = fleet.open();
        auto run = new_run();
        REQUIRE(here->start_run(run, {}).ok());
        for (int i = 1; i <= steps; ++i) {
            REQUIRE(here->note(run.id, call(2 * i - 1)).ok());
            REQUIRE(here->begin(run.id, call(2 * i, Policy::probe, CallState::intent)).ok());
            REQUIRE(here->settle(run.id, 2 * i, CallState::done, nullptr).ok());
        }
    }
    const auto session = database::connect_postgres(fleet.place, {}).value();
    const auto number = [&](const char* sql) { return *session->value(sql).value().integer(); };
    REQUIRE(becomes([&] {
        return number("select count(*) from pg_stat_activity where datname = current_database() and "
                      "backend_type = 'client backend'") == 1;
    })); // then the server has counted
    const auto commits = number("select xact_commit from pg_stat_database where datname = "
                                "current_database()");
    CHECK(commits >= 2 * steps);
    CHECK(commits < 2 * steps + 80); // connecting, the tables, the run's start
}

TEST_CASE("a login needs what docs/journal.md grants it, and is told what it lacks", "[contract]") {
    const Fleet fleet;
    auto login = fleet.place;
    const auto name = fleet.place.url.substr(fleet.place.url.rfind('/') + 1);
    login.url.replace(login.url.find("postgres@"), 8, "l" + name);
    login.password = Secret("test", "secret");
    REQUIRE(fleet_sql(fleet.place, fmt::format("create role l{} login password 'secret'", name)));
    const auto lacks = [&] { return journal::find_fleet_lacks({ login }).value(); };
    SECTION("to make the tables") {
        REQUIRE(lacks().size() == 1);
        CHECK_THAT(lacks()[0].fix, Catch::Contains("GRANT CREATE"));
        CHECK_FALSE(journal::open_fleet_journal({ login }, fleet.key).ok());
        REQUIRE(
            fleet_sql(fleet.place, fmt::format("grant usage, create on schema public to l{}", name)));
        CHECK(lacks().empty());
        CHECK(journal::open_fleet_journal({ login }, fleet.key).ok());
        CHECK(lacks().empty());
    }
    SECTION("to use tables that another login made") {
        (void)fleet.open();
        CHECK_FALSE(lacks().empty());
        REQUIRE(fleet_sql(fleet.place, fmt::format("grant select, insert, update, delete on all tables "
                                                   "in schema public to l{}",
                                                   name)));
        CHECK(lacks().empty());
        const auto own = journal::open_fleet_journal({ login }, fleet.key).value();
        auto run = new_run();
        CHECK(own->start_run(run, {}).ok());
    }
    CHECK(fleet_sql(fleet.place, fmt::format("drop owned by l{0}", name)));
    CHECK(fleet_sql(fleet.place, fmt::format("drop role l{0}", name)));
}
