// Live runs: every call is looked up in the journal first (a resumed run replays what was done), and
// every effect has its intent durable before it and its result durable after it.
#pragma once

#include "run/answers.h"

#include <optional>

namespace respawn::run {

class LiveMode final : public Mode {
  public:
    // `recorded` are the calls of an interrupted run, by position; empty for a new one. With a list of
    // planned effects, every effect must be the one that was shown.
    LiveMode(Game& game, journal::Journal& journal, const journal::RunRecord& run,
             std::vector<journal::CallRecord> recorded, std::optional<Value> planned, Answers answers,
             const Cancellation& cancel);
    std::string_view title() const override { return "LIVE"; }
    Result<Done> perform(const Step& step) override;
    Result<database::Reader*> reader(std::string_view component) override;
    Result<std::vector<std::string>> faults(std::string_view component) override;
    Result<void> enter(std::string_view phase) override;

    // Effects that happened or may have happened, replayed ones included.
    std::int64_t effects() const { return effects_; }

  private:
    Result<Done> read(const Step& step, const journal::CallRecord* recorded);
    Result<Value> answer(const Step& step);
    Result<Done> noted(const Step& step, Result<Value> value);
    Result<Done> replay(const Step& step, const journal::CallRecord& recorded);
    Result<Done> settle_open(const Step& step);
    Result<Settled> probe(const Step& step);
    Result<Settled> probe_restore(const Step& step);
    Result<Done> begin_and_do(const Step& step);
    Result<Done> carry_out(const Step& step);
    Result<Done> write(const Step& step);
    Result<Done> restore(const Step& step);
    Result<void> accept_restored(const component::Component& component);
    Result<void> must_be_planned(const Step& step, const Value& effect, bool with_rows);
    Result<void> note_marker(const std::string& component);
    Result<Done> conclude(const Step& step, Result<Done> done);
    Call call_of(const Step& step) {
        return Call(step.arguments, game_, *this, { run_.id, step.position });
    }
    journal::CallRecord record_of(const Step& step, journal::CallState state,
                                  const Value& result) const;

    Game& game_;
    journal::Journal& journal_;
    journal::RunRecord run_;
    std::vector<journal::CallRecord> recorded_;
    std::optional<Value> planned_;
    Answers answers_;
    const Cancellation& cancel_;
    std::int64_t effects_ = 0;
};

} // namespace respawn::run
