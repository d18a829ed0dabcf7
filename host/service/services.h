// The services of the game: units with what they need, in order, with their health; and a note of each
// that a run has stopped, so that it is not forgotten, whatever becomes of the run. Not thread-safe.
#pragma once

#include "base/cancel.h"
#include "io/file.h"
#include "service/service.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::service {

// A unit that ran, and that a step of a run has stopped. One small file a unit, durable before the unit
// is told to stop, gone once it runs again.
struct Stopped {
    std::string unit;
    std::string step; // "01J….7": the run and its step
    Moment when;
    bool stays_down = false;    // when the run fails: left as it is, for a person
    bool started_again = false; // when the run had failed; when it goes on, it stops the unit again

    std::string run() const { return step.substr(0, step.find('.')); }
};

// A unit as people see it.
struct Seen {
    const config::UnitSettings* settings = nullptr;
    Unit unit;
    std::string illness;                // why it is not healthy; empty when it is, or nobody can tell
    std::vector<std::string> needed_by; // by those that name it
    std::optional<Stopped> stopped;     // while it is down
    bool core = false;
};

// Where a unit's name belongs: all of them.
inline constexpr std::string_view all_units = "all";

class Services {
  public:
    // Notes are kept in the folder `notes`.
    Services(config::ServiceSettings settings, std::unique_ptr<Manager> manager, io::Path notes);

    const config::ServiceSettings& settings() const { return settings_; }
    // Kind::usage with the nearest name for a unit that is not in the configuration.
    Result<const config::UnitSettings*> unit(std::string_view name) const;
    // In the order in which they start.
    Result<std::vector<Seen>> look(std::string_view name, const Cancellation& cancel);
    // The unit and what it needs, or what needs it, with all that these need in turn; in the order in
    // which they start.
    Result<std::vector<std::string>> with_needs(std::string_view name) const;
    Result<std::vector<std::string>> with_needers(std::string_view name) const;

    // The unit, after what it needs. Gives the units that had to be started.
    Result<std::vector<std::string>> start(std::string_view name, const Cancellation& cancel);
    // The unit, after those that need it. Gives the units that had to be stopped, in that order.
    Result<std::vector<std::string>> stop(std::string_view name, std::string_view step, bool stays_down,
                                          const Cancellation& cancel);
    // Stops it and those that need it, and starts it, and those of them that ran before: also those
    // that the same step had stopped before it was interrupted. Gives the units that were started.
    Result<std::vector<std::string>> restart(std::string_view name, std::string_view step,
                                             const Cancellation& cancel);

    // What of a step (see the primitive `service`) has come true.
    Result<bool> all_run(std::string_view name, const Cancellation& cancel);
    Result<bool> all_stopped(std::string_view name);
    Result<bool> restarted_since(std::string_view name, std::string_view step, Moment when,
                                 const Cancellation& cancel);

    // Notes of units that are down, in the order in which they start.
    Result<std::vector<Stopped>> stopped() const;
    // What became of a unit that a run had stopped.
    struct BroughtBack {
        std::string unit;
        std::optional<Error> error; // why it is down
        bool left_down = false;     // as the run wanted it
    };
    // A run has ended badly: starts what it stopped, but for what is to stay down. `for_good`: it will
    // not go on.
    Result<std::vector<BroughtBack>> bring_back(std::string_view run, bool for_good,
                                                const Cancellation& cancel);
    // That run goes on: stops again what was brought back.
    Result<void> stop_again(std::string_view run, const Cancellation& cancel);
    // Why we may not start and stop a unit, as far as can be told; empty: we may. For `config check`.
    Result<std::string> what_forbids(const config::UnitSettings& unit);

  private:
    using Names = std::vector<std::string>;
    const config::UnitSettings& known(std::string_view name) const;
    Names needers_of(std::string_view name) const;
    Result<void> start_one(const std::string& name, const Cancellation& cancel);
    Result<void> stop_one(const std::string& name, const Stopped& note, const Cancellation& cancel);
    io::Path note_of(std::string_view unit) const { return notes_ / unit; }
    Result<void> write(const Stopped& note);
    Result<std::optional<Stopped>> read(const std::string& unit) const;

    config::ServiceSettings settings_;
    std::unique_ptr<Manager> manager_;
    io::Path notes_;
};

Result<Services> open_services(const config::ServiceSettings& settings, const io::Path& notes);

} // namespace respawn::service
