// The gate: the one place every call of a runbook passes. It checks that the primitive exists, that the
// runbook declared the capability, that the phase allows it and that the arguments fit; then the run's
// mode performs it.
#pragma once

#include "run/mode.h"
#include "run/runbook.h"

namespace respawn::run {

// Whoever shows a run while it goes on. Called in order, from one thread.
struct Listener {
    virtual ~Listener() = default;
    virtual void phase(std::string_view name) = 0;
    virtual void log(std::string_view text) = 0;
    virtual void done(const Step& step, const Done& done) = 0;
};

class Gate {
  public:
    Gate(const Primitives& primitives, const Description& runbook, Game& game, Mode& mode,
         Listener& listener)
        : primitives_(primitives), runbook_(runbook), game_(game), mode_(mode), listener_(listener) {}

    Result<void> enter(std::string_view phase);
    // One call as the worker sent it: {primitive, arguments, where}. Nothing in it is trusted.
    Result<Value> pass(const Value& message);
    std::int64_t calls() const { return position_; }

  private:
    Result<const Primitive*> allowed(std::string_view name) const;
    Result<Step> step_of(const Primitive& primitive, const Value& message);

    const Primitives& primitives_;
    const Description& runbook_;
    Game& game_;
    Mode& mode_;
    Listener& listener_;
    std::string phase_;
    std::int64_t position_ = 0;
};

} // namespace respawn::run
