// The talk with the worker of one run.
#pragma once

#include "run/gate.h"
#include "run/worker.h"

#include <optional>

namespace respawn::run {

class Conversation {
  public:
    Conversation(Worker& worker, Gate& gate, Listener& listener, const Cancellation& cancel)
        : worker_(worker), gate_(gate), listener_(listener), cancel_(cancel) {}
    // Until it ends. ok: the runbook ran to its end.
    Result<void> hold();

  private:
    Result<Value> answer(std::string_view kind, const Value& message);
    Error ended_by(const Value& failed) const;

    Worker& worker_;
    Gate& gate_;
    Listener& listener_;
    const Cancellation& cancel_;
    std::optional<Error> last_error_;
};

} // namespace respawn::run
