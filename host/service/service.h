// One service of the game as its manager sees it. A manager is asked and answers at once; waiting until
// what was asked for has come true is the same for all of them (moves.h).
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "config/config.h"

#include <memory>
#include <optional>
#include <string>

namespace respawn::service {

enum class State {
    running,
    stopped,
    starting,
    stopping,
    failed,   // it ended by itself, or could not be started; nobody tries again
    flapping, // it ends again and again, and its manager starts it again and again
    unknown,  // the manager knows no such unit
};
std::string_view name_of(State state);

struct Unit {
    State state = State::unknown;
    std::int64_t pid = 0;         // of its main process; 0 when there is none
    std::int64_t process_start{}; // of that process, in clock ticks since boot; 0 when not known
    Moment since;                 // when that process began; 0 when not known
    std::int64_t restarts = 0;    // by the manager itself, where it counts them
    std::optional<int> exit_code; // of the process before, where the manager tells
    std::string why = {};         // what the manager says besides, printable

    bool is_gone() const { return pid == 0 && (state == State::stopped || state == State::failed); }
};

struct Manager {
    virtual ~Manager() = default;
    virtual Result<Unit> look(const config::UnitSettings& unit) = 0;
    // Asked for, not done: look() tells what becomes of it. Asking twice does no more than asking once.
    virtual Result<void> ask_to_start(const config::UnitSettings& unit) = 0;
    virtual Result<void> ask_to_stop(const config::UnitSettings& unit) = 0;
    virtual Result<void> kill(const config::UnitSettings& unit) = 0; // SIGKILL
    // Why we may not start and stop it, as far as that can be told without doing it; empty: we may.
    virtual Result<std::string> what_forbids(const config::UnitSettings& unit) = 0;
};

// The list of managers (managers.cpp). Opening one asks it nothing yet.
Result<std::unique_ptr<Manager>> open_manager(const config::ServiceSettings& settings);

} // namespace respawn::service
