// Order, needs and notes, over units that a test scripts.
#include "service/services.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

using namespace respawn;
using service::Services;
using service::State;
using Names = std::vector<std::string>;

namespace {

const Cancellation nobody_cancels;

// Units that start and stop at once, and a record of it.
struct Scripted final : service::Manager {
    struct Told {
        std::set<std::string> running, refusing; // those that do not start
        Names record;
        std::int64_t next_pid = 1'000'000'000; // above all that there are
        std::map<std::string, std::pair<std::int64_t, Moment>> processes;
    };
    explicit Scripted(Told& told) : told_(told) {}

    Result<service::Unit> look(const config::UnitSettings& unit) override {
        if (!told_.running.contains(unit.name))
            return service::Unit{ .state = State::stopped };
        const auto& [pid, since] = told_.processes[unit.name];
        return service::Unit{ .state = State::running, .pid = pid, .since = since };
    }
    Result<void> ask_to_start(const config::UnitSettings& unit) override {
        if (told_.refusing.contains(unit.name))
            return Error{ .kind = Kind::denied, .why = "not today" };
        told_.record.push_back("+" + unit.name);
        told_.running.insert(unit.name);
        told_.processes[unit.name] = { told_.next_pid++, now() };
        return {};
    }
    Result<void> ask_to_stop(const config::UnitSettings& unit) override {
        told_.record.push_back("-" + unit.name);
        told_.running.erase(unit.name);
        return {};
    }
    Result<void> kill(const config::UnitSettings&) override { return {}; }
    Result<std::string> what_forbids(const config::UnitSettings&) override { return std::string(); }
    Told& told_;
};

// nginx and the game need mysql, nginx needs the game; redis stands alone.
struct Stage {
    Stage() {
        for (const auto& [name, needs] : std::vector<std::pair<std::string, Names>>{
                 { "redis", {} }, { "mysql", {} }, { "game", { "mysql" } }, { "nginx", { "game" } } }) {
            settings.units.push_back({ .name = name, .needs = needs, .settle = Duration::zero() });
            told.running.insert(name);
            told.processes[name] = { told.next_pid++, Moment{ 1 } };
        }
        settings.core = { "mysql" };
    }
    Services open() { return Services(settings, std::make_unique<Scripted>(told), notes.path() / "n"); }

    io::TemporaryFolder notes = io::TemporaryFolder::make().value();
    config::ServiceSettings settings;
    Scripted::Told told;
};

} // namespace

TEST_CASE("a unit stops after what needs it, and starts after what it needs") {
    Stage stage;
    auto services = stage.open();
    CHECK(services.stop("mysql", "run.1", false, nobody_cancels).value() ==
          Names{ "nginx", "game", "mysql" });
    CHECK(stage.told.record == Names{ "-nginx", "-game", "-mysql" });
    CHECK(services.all_stopped("mysql").value());
    CHECK(services.stop("mysql", "run.2", false, nobody_cancels).value().empty());
    stage.told.record.clear();
    CHECK(services.start("nginx", nobody_cancels).value() == Names{ "mysql", "game", "nginx" });
    CHECK(stage.told.record == Names{ "+mysql", "+game", "+nginx" });
    CHECK(services.all_run("all", nobody_cancels).value());
    CHECK(services.stop("all", "run.3", false, nobody_cancels).value() ==
          Names{ "nginx", "game", "mysql", "redis" });
    CHECK(services.stop("mysqld", "run.4", false, nobody_cancels).error().kind == Kind::usage);
}

TEST_CASE("a restart starts again what ran, and leaves alone what stood still") {
    Stage stage;
    auto services = stage.open();
    REQUIRE(services.stop("nginx", "before.1", false, nobody_cancels).ok());
    stage.told.record.clear();
    CHECK(services.restart("mysql", "run.1", nobody_cancels).value() == Names{ "mysql", "game" });
    CHECK(stage.told.record == Names{ "-game", "-mysql", "+mysql", "+game" });
    CHECK_FALSE(stage.told.running.contains("nginx"));
}

TEST_CASE("a restart that was interrupted between stopping and starting is known and finished") {
    Stage stage;
    const auto begun = now();
    {
        auto killed = stage.open(); // after its first half
        REQUIRE(killed.stop("mysql", "run.7", false, nobody_cancels).ok());
        REQUIRE(killed.start("mysql", nobody_cancels).ok());
    }
    auto services = stage.open();
    // mysql is fresh, but the game and nginx, which the step had stopped, are down.
    CHECK_FALSE(services.restarted_since("mysql", "run.7", begun, nobody_cancels).value());
    CHECK(services.restart("mysql", "run.7", nobody_cancels).value() ==
          Names{ "mysql", "game", "nginx" });
    CHECK(services.restarted_since("mysql", "run.7", begun, nobody_cancels).value());
    CHECK_FALSE(services.restarted_since("redis", "run.8", begun, nobody_cancels).value());
}

TEST_CASE("what a run has stopped is noted before it stops, and started again when the run fails") {
    Stage stage;
    auto services = stage.open();
    REQUIRE(services.stop("game", "01RUN.3", false, nobody_cancels).ok());
    const auto down = stage.open().stopped().value(); // another process knows of it
    REQUIRE(down.size() == 2);
    CHECK(down[0].unit == "game");
    CHECK(down[0].run() == "01RUN");
    CHECK(services.bring_back("other", false, nobody_cancels).value().empty());

    stage.told.refusing = { "nginx" };
    const auto back = services.bring_back("01RUN", false, nobody_cancels).value();
    REQUIRE(back.size() == 2);
    CHECK_FALSE(back[0].error);
    REQUIRE(back[1].error);
    CHECK(back[1].unit == "nginx");
    CHECK(services.stopped().value().size() == 1);

    SECTION("a run that goes on has it stopped again, and one that starts it has no note left") {
        REQUIRE(services.stop_again("01RUN", nobody_cancels).ok());
        CHECK_FALSE(stage.told.running.contains("game"));
        stage.told.refusing.clear();
        REQUIRE(services.start("nginx", nobody_cancels).ok());
        CHECK(services.stopped().value().empty());
        CHECK(services.bring_back("01RUN", true, nobody_cancels).value().empty());
    }
    SECTION("a run that is given up lets go of it") {
        stage.told.refusing.clear();
        REQUIRE(services.bring_back("01RUN", true, nobody_cancels).ok());
        REQUIRE(services.stop_again("01RUN", nobody_cancels).ok());
        CHECK(stage.told.running.size() == 4);
    }
}

TEST_CASE("what is to stay down stays down, and is named") {
    Stage stage;
    auto services = stage.open();
    REQUIRE(services.stop("nginx", "01RUN.3", true, nobody_cancels).ok());
    const auto back = services.bring_back("01RUN", true, nobody_cancels).value();
    REQUIRE(back.size() == 1);
    CHECK(back[0].left_down);
    CHECK_FALSE(stage.told.running.contains("nginx"));
    CHECK(services.stopped().value().size() == 1);
}
