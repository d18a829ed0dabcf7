// The person at the command line, as a runbook's questions reach them.
#pragma once

#include "cli/verb.h"
#include "run/answers.h"

namespace respawn::cli {

// Gives what was typed with --answer, in order; then asks on the terminal, where there is one and the
// output is for people.
class AtCommandLine final : public run::Person {
  public:
    explicit AtCommandLine(const Context& context)
        : typed_(context.typed.values("--answer")), may_ask_(!context.json) {}
    Result<std::optional<std::string>> choose(const run::Question& question) override;

  private:
    std::vector<std::string> typed_;
    std::size_t used_ = 0;
    bool may_ask_;
};

} // namespace respawn::cli
