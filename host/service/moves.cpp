#include "service/moves.h"

#include "service/health.h"
#include "service/processes.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

namespace respawn::service {

namespace {

using Clock = std::chrono::steady_clock;

// A manager that was told may take a moment until it begins.
constexpr Duration until_it_begins = std::chrono::seconds(5);
constexpr std::int64_t most_starts = 3;

Duration since(Clock::time_point begin) {
    return std::chrono::duration_cast<Duration>(Clock::now() - begin);
}

// A look at a unit, again and again, in growing steps.
class Watch {
  public:
    Watch(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel)
        : manager_(manager), unit_(unit), cancel_(cancel) {}

    Result<Unit> look() {
        TRY(cancel_.check());
        auto seen = TRY(manager_.look(unit_).while_doing("ask for a service", unit_.name));
        const bool other = seen.pid != 0 && (seen.pid != pid_ || seen.process_start != start_);
        if (other) {
            ++processes_;
            pid_ = seen.pid;
            start_ = seen.process_start;
            up_ = Clock::now();
        }
        if (seen.pid == 0 || seen.state != State::running)
            up_ = Clock::now();
        return seen;
    }
    Result<void> pause() {
        const auto end = Clock::now() + step_;
        while (Clock::now() < end) {
            TRY(cancel_.check());
            std::this_thread::sleep_for(std::min<Duration>(step_, std::chrono::milliseconds(50)));
        }
        step_ = std::min<Duration>(step_ * 3 / 2, std::chrono::milliseconds(300));
        return {};
    }
    // Of the process that runs now: what the kernel says, or what we have seen ourselves.
    Duration up_for(const Unit& seen) const {
        const auto told = seen.since.microseconds > 0 ? now() - seen.since : Duration::zero();
        return std::max(since(up_), told);
    }
    Duration lasted() const { return since(begun_); }
    std::int64_t processes() const { return processes_; }

  private:
    Manager& manager_;
    const config::UnitSettings& unit_;
    const Cancellation& cancel_;
    Clock::time_point begun_ = Clock::now(), up_ = Clock::now();
    std::int64_t pid_ = 0, start_ = 0, processes_ = 0;
    Duration step_ = std::chrono::milliseconds(20);
};

Error unknown_unit(const config::UnitSettings& unit, const Unit& seen) {
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("the service manager does not know {}: {}", unit.name, seen.why),
                  .fix = "check `units:` in the configuration: respawn config check" };
}

Error ends_again(const config::UnitSettings& unit, const Unit& seen, const Watch& watch) {
    const auto how = watch.processes() > 1
                         ? fmt::format("was started {} times in {} and ends each time",
                                       watch.processes(), human_duration(watch.lasted()))
                         : fmt::format("was started and {}", how_it_ended(seen));
    return Error{ .kind = Kind::unavailable,
                  .why = fmt::format("{} {}", unit.name, how),
                  .fix = "look into its log for why" };
}

Error not_in_time(const config::UnitSettings& unit, const Unit& seen, const std::string& health) {
    const auto state = health.empty() ? fmt::format("is {}", name_of(seen.state))
                                      : "runs, and is not healthy: " + health;
    return Error{ .kind = Kind::timeout,
                  .why = fmt::format("{} after {} {}", unit.name, human_duration(unit.start_within),
                                     state),
                  .fix = fmt::format("look into its log; if it is only slow, give it more time: "
                                     "start_within: of {}",
                                     unit.name) };
}

// It was asked to run, and has given up or not begun.
bool has_given_up(const Unit& seen, const Unit& before, const Watch& watch) {
    if (watch.processes() >= most_starts)
        return true;
    if (seen.state != State::failed && seen.state != State::stopped)
        return false;
    return watch.processes() > 0 || seen.state != before.state || watch.lasted() > until_it_begins;
}

Result<Unit> wait_until_up(const config::UnitSettings& unit, const Unit& before, Watch& watch) {
    std::string health;
    for (;;) {
        const auto seen = TRY(watch.look());
        if (has_given_up(seen, before, watch))
            return ends_again(unit, seen, watch);
        if (seen.state == State::running && watch.up_for(seen) >= unit.settle) {
            health = find_illness(unit.health);
            if (health.empty())
                return seen;
        }
        if (watch.lasted() > unit.start_within)
            return seen.state == State::flapping ? ends_again(unit, seen, watch)
                                                 : not_in_time(unit, seen, health);
        TRY(watch.pause());
    }
}

Error hangs(const config::UnitSettings& unit, const Unit& seen) {
    return Error{
        .kind = Kind::timeout,
        .why = fmt::format("{} (pid {}) was told to stop {} ago and still runs", unit.name, seen.pid,
                           human_duration(unit.stop_within)),
        .fix = fmt::format(
            "see what it does; `kill -9 {}` ends it, with what it has not saved; `kill_after:` of {} "
            "lets respawn do that",
            seen.pid, unit.name)
    };
}

// The manager may call it stopped before the process it began with is really gone.
bool is_really_gone(const Unit& seen, const Unit& before) {
    if (!seen.is_gone())
        return false;
    const auto old = before.pid > 0 ? find_process(before.pid) : std::nullopt;
    return !old || before.process_start == 0 || old->start != before.process_start;
}

} // namespace

std::string how_it_ended(const Unit& unit) {
    auto text = unit.exit_code ? fmt::format("ended with {}", *unit.exit_code)
                               : std::string(unit.state == State::failed ? "failed" : "ended");
    return unit.why.empty() ? text : fmt::format("{} ({})", text, unit.why);
}

Result<Unit> settled(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel) {
    Watch watch(manager, unit, cancel);
    for (;;) {
        auto seen = TRY(watch.look());
        const bool fresh = seen.since.microseconds > 0 && now() - seen.since < unit.settle;
        if (watch.processes() > 1)
            seen.state = State::flapping;
        const bool moves = seen.state == State::starting || (seen.state == State::running && fresh);
        if (!moves || watch.lasted() > 2 * unit.settle)
            return seen;
        TRY(watch.pause());
    }
}

Result<Unit> start(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel) {
    const auto before = TRY(manager.look(unit).while_doing("ask for a service", unit.name));
    if (before.state == State::unknown)
        return unknown_unit(unit, before);
    if (before.state != State::running && before.state != State::starting)
        TRY(manager.ask_to_start(unit).while_doing("start a service", unit.name));
    Watch watch(manager, unit, cancel);
    return wait_until_up(unit, before, watch);
}

Result<Unit> stop(Manager& manager, const config::UnitSettings& unit, const Cancellation& cancel) {
    Watch watch(manager, unit, cancel);
    const auto before = TRY(watch.look());
    if (before.state == State::unknown)
        return unknown_unit(unit, before);
    if (!before.is_gone())
        TRY(manager.ask_to_stop(unit).while_doing("stop a service", unit.name));
    for (bool killed = false;;) {
        const auto seen = TRY(watch.look());
        if (is_really_gone(seen, before))
            return seen;
        if (!killed && unit.kill_after && watch.lasted() > *unit.kill_after) {
            TRY(manager.kill(unit).while_doing("kill a service", unit.name));
            killed = true;
        }
        if (watch.lasted() > unit.stop_within)
            return hangs(unit, seen.pid > 0 ? seen : before);
        TRY(watch.pause());
    }
}

} // namespace respawn::service
