// A run as a verb makes it: the dry run is shown, a person agrees to it, it is performed.
#pragma once

#include "cli/verb.h"

namespace respawn::cli {

struct RunCommand {
    run::Request request;
    std::string
        text; // what was typed, without the options of a run: "respawn run wox/stuck_duel duel=7"
    std::string shown; // the headline of the run: "wox/stuck_duel duel=7"
};

// The options of a verb that makes a run, behind its own: --dry-run, --plan, --yes,
// --reason, --confirm, --answer.
std::vector<Option> with_run_options(std::vector<Option> own);

// The first line of a run: its mode, what it runs, and the game by name.
void announce(const Context& context, std::string_view mode, const std::string& title,
              const run::Game& game);

// With --dry-run only shows; with --plan performs that plan or nothing; else shows, asks and performs.
// Gives the exit code.
Result<int> plan_and_perform(const Context& context, const RunCommand& command);

// What a run that stopped would still do is shown, agreed to and done, as the whole of a run is: with
// --dry-run, --plan, --yes and the others. Gives the exit code.
Result<int> plan_and_perform_rest(const Context& context, run::Game& game, run::Engine& engine,
                                  const std::string& run);

} // namespace respawn::cli
