// How runs look while they go on and afterwards.
#pragma once

#include "cli/verb.h"

namespace respawn::cli {

// How a mode speaks of what it does.
struct RunWords {
    std::string_view rows, effect; // "would change  ", "would "
    std::string_view checks;       // behind "3 checks pass"
};
inline constexpr RunWords dry_words{ "would change  ", "would ", " on the changed data" };
inline constexpr RunWords live_words{ "changed  ", "done: ", "" };
inline constexpr RunWords rehearsal_words{ "changed in the copy  ", "would ", " in the copy" };

// Shows phases, log lines and effects on stdout as they come, in columns:
//   repair    would change  players[17].galleons  120 → 170
class RunPrinter final : public run::Listener {
  public:
    // `would` for a dry run.
    explicit RunPrinter(bool would) : words_(would ? dry_words : live_words) {}
    explicit RunPrinter(const RunWords& words) : words_(words) {}
    void phase(std::string_view name) override;
    void log(std::string_view text) override;
    void done(const run::Step& step, const run::Done& done) override;
    // What is left to say of the last phase (how many checks passed).
    void finish();

  private:
    void line(std::string_view text);
    void count_check(const run::Step& step);

    const RunWords& words_;
    std::string phase_;
    bool named_ = false; // whether this phase's name stands on a line already
    int checks_ = 0;
};

// Takes the words for --json: {phases: [{name, lines}], effects: […]}.
class RunRecorder final : public run::Listener {
  public:
    void phase(std::string_view name) override { phase_ = name; }
    void log(std::string_view text) override;
    void done(const run::Step& step, const run::Done& done) override;
    const Value::List& timeline() const { return timeline_; }

  private:
    std::string phase_;
    Value::List timeline_;
};

// The effects of a plan, a line each or one for each row.
std::vector<std::string> planned_lines(const run::Primitives& primitives, const Value& effects);

// "interrupted" when nobody carries a running run out any more; else the state's own name.
std::string state_of(const journal::RunRecord& run);
// For people: of a run on another host also where, and since when it was not heard of.
std::string shown_state(const journal::RunRecord& run);
Value to_value(const journal::RunRecord& run);
// Units that runs have stopped and that are down; none where the manager cannot be asked.
std::vector<service::Stopped> stopped_units(run::Game& game);
// Of services that a run had stopped.
void show_services(const std::vector<std::string>& lines);
// How a live run ended, for a person; gives the exit code.
int show_outcome(const run::Outcome& outcome);

} // namespace respawn::cli
