// The rehearsal: reads, writes and restores happen for real in copies of the newest backup; whatever
// would leave them (messages, uploads, services) is recorded and not done. What a chain says is read
// from the live one.
#pragma once

#include "run/answers.h"
#include "run/rehearsal_stage.h"

#include <set>

namespace respawn::run {

class RehearseMode final : public Mode {
  public:
    // The game has to be played on the stage already.
    RehearseMode(Game& game, RehearsalStage& stage, std::string rehearsal, Answers answers,
                 const Cancellation& cancel)
        : game_(game), stage_(stage), rehearsal_(std::move(rehearsal)), answers_(std::move(answers)),
          cancel_(cancel) {}
    std::string_view title() const override { return "REHEARSAL"; }
    Result<Done> perform(const Step& step) override;
    Result<database::Reader*> reader(std::string_view component) override;
    Result<std::vector<std::string>> faults(std::string_view component) override;
    Result<void> enter(std::string_view) override { return {}; }

    // What was done in the copies and what was recorded, in order, as a plan holds it.
    const Value::List& effects() const { return effects_; }
    // Capabilities by which something was read that is live.
    const std::set<std::string, std::less<>>& read_live() const { return read_live_; }

  private:
    Result<Done> act(const Step& step);
    Result<Done> read(const Step& step);
    Result<Done> ask(const Step& step);
    Result<Done> write(const Step& step);
    Result<Done> restore(const Step& step);
    Result<Done> record(const Step& step);
    Call call_of(const Step& step) {
        return Call(step.arguments, game_, *this, { rehearsal_, step.position });
    }

    Game& game_;
    RehearsalStage& stage_;
    const std::string rehearsal_; // id
    Answers answers_;
    const Cancellation& cancel_;
    Value::List effects_;
    std::set<std::string, std::less<>> read_live_;
};

} // namespace respawn::run
