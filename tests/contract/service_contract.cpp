// What every service manager promises, over the real ones; but for systemd, whose answers are recorded.
#include "contract/service_rig.h"
#include "service/health.h"
#include "service/moves.h"
#include "service/processes.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::testing;
using service::State;

namespace {

const Cancellation nobody_cancels;

service::Unit must(const Result<service::Unit>& result) {
    INFO((result.ok() ? "" : result.error().why));
    REQUIRE(result.ok());
    return result.value();
}

Error must_fail(const Result<service::Unit>& result) {
    REQUIRE_FALSE(result.ok());
    CHECK_FALSE(result.error().fix.empty());
    return result.error();
}

} // namespace

TEST_CASE("a service that is started runs and does its work; one that is stopped is gone",
          "[contract]") {
    const auto kind = GENERATE(from_range(service_rigs()));
    DYNAMIC_SECTION(kind.name) {
        const auto rig = kind.open();
        auto& manager = rig->manager();
        const auto unit = rig->unit("elizaos");

        REQUIRE(must(service::stop(manager, unit, nobody_cancels)).is_gone());
        CHECK_FALSE(service::find_illness(unit.health).empty());

        const auto before = now() + Duration(-20'000);
        const auto first = must(service::start(manager, unit, nobody_cancels));
        CHECK(first.state == State::running);
        CHECK(service::find_process(first.pid));
        CHECK(service::find_illness(unit.health).empty());
        CHECK(first.since > before);
        CHECK(first.since < now());

        // Again is no more than once.
        CHECK(must(service::start(manager, unit, nobody_cancels)).pid == first.pid);
        CHECK(must(service::settled(manager, unit, nobody_cancels)).pid == first.pid);

        must(service::stop(manager, unit, nobody_cancels));
        CHECK_FALSE(service::find_process(first.pid));
        must(service::stop(manager, unit, nobody_cancels));
        const auto second = must(service::start(manager, unit, nobody_cancels));
        CHECK(second.pid != first.pid);
        CHECK(second.since > first.since);
        must(service::stop(manager, unit, nobody_cancels));
    }
}

TEST_CASE("a service that ends at once, or after a moment, has not started", "[contract]") {
    const auto kind = GENERATE(from_range(service_rigs()));
    const std::string mode = GENERATE("fail", "dies");
    DYNAMIC_SECTION(kind.name << ", " << mode) {
        const auto rig = kind.open();
        const auto unit = rig->unit("game-engine");
        must(service::stop(rig->manager(), unit, nobody_cancels));
        rig->make(unit.name, mode);
        const auto error = must_fail(service::start(rig->manager(), unit, nobody_cancels));
        CHECK(error.kind == Kind::unavailable);
        CHECK_THAT(error.why, Catch::Contains(unit.name));
        const auto state = must(service::settled(rig->manager(), unit, nobody_cancels)).state;
        CHECK((state == State::failed || state == State::flapping));
        must(service::stop(rig->manager(), unit, nobody_cancels)); // also while it flaps
    }
}

TEST_CASE("a service that does not stop is named, and killed only where the configuration says so",
          "[contract]") {
    const auto kind = GENERATE(from_range(service_rigs()));
    DYNAMIC_SECTION(kind.name) {
        const auto rig = kind.open();
        auto unit = rig->unit("payment-processor");
        must(service::stop(rig->manager(), unit, nobody_cancels));
        rig->make(unit.name, "stubborn");
        const auto running = must(service::start(rig->manager(), unit, nobody_cancels));
        unit.stop_within = std::chrono::milliseconds(600);
        const auto error = must_fail(service::stop(rig->manager(), unit, nobody_cancels));
        CHECK(error.kind == Kind::timeout);
        CHECK_THAT(error.why, Catch::Contains(std::to_string(running.pid)));
        CHECK_THAT(error.fix, Catch::Contains("kill_after"));
        CHECK(service::find_process(running.pid));

        unit.stop_within = std::chrono::seconds(20);
        unit.kill_after = std::chrono::milliseconds(200);
        must(service::stop(rig->manager(), unit, nobody_cancels));
        CHECK_FALSE(service::find_process(running.pid));
    }
}

TEST_CASE("a service that its manager does not know is missing, and waiting can be cancelled",
          "[contract]") {
    const auto kind = GENERATE(from_range(service_rigs()));
    DYNAMIC_SECTION(kind.name) {
        const auto rig = kind.open();
        if (kind.name != "process") { // which takes its units from the configuration
            const auto unit = rig->unit("no-such-unit");
            CHECK(must(rig->manager().look(unit)).state == State::unknown);
            CHECK(must_fail(service::start(rig->manager(), unit, nobody_cancels)).kind ==
                  Kind::missing);
            CHECK(must_fail(service::stop(rig->manager(), unit, nobody_cancels)).kind == Kind::missing);
        }
        Cancellation cancel;
        cancel.request();
        const auto unit = rig->unit("elizaos");
        CHECK(service::stop(rig->manager(), unit, cancel).error().kind == Kind::cancelled);
    }
}
