// The dry run: reads are live; database writes and restores happen in private copies that nobody keeps;
// other effects are described. All it leaves is its plan.
#pragma once

#include "run/answers.h"

#include <map>
#include <set>

namespace respawn::run {

class DryMode final : public Mode {
  public:
    // `recorded` are the calls that a run has made already: they are told as they were, and the rest is
    // shown.
    DryMode(Game& game, Answers answers, std::vector<journal::CallRecord> recorded,
            const Cancellation& cancel)
        : game_(game), answers_(std::move(answers)), recorded_(std::move(recorded)), cancel_(cancel) {}
    std::string_view title() const override { return "DRY RUN"; }
    Result<Done> perform(const Step& step) override;
    // The private copy once something was written there, else the live database.
    Result<database::Reader*> reader(std::string_view component) override;
    // None for what this dry run restored: the copy was verified then.
    Result<std::vector<std::string>> faults(std::string_view component) override;
    Result<void> enter(std::string_view) override { return {}; }

    // What was shown so far, as a plan holds it; a symbol for what was done before.
    const Value::List& effects() const { return effects_; }

  private:
    bool is_made_again(const Step& step, const journal::CallRecord& recorded) const;
    Result<Done> told(const Step& step, const journal::CallRecord& recorded);
    Result<Done> ask(const Step& step);
    Result<Done> read(const Step& step);
    Result<Done> write(const Step& step);
    Result<Done> restore(const Step& step);
    Result<Done> describe(const Step& step);
    Result<io::Path> scratch(); // of this dry run, gone with it
    Result<database::Trial*> trial(const std::string& component);

    Game& game_;
    Answers answers_;
    const std::vector<journal::CallRecord> recorded_;
    const Cancellation& cancel_;
    std::unique_ptr<io::TemporaryFolder> scratch_; // outlives the trials in it
    std::map<std::string, std::unique_ptr<database::Trial>, std::less<>> trials_;
    std::set<std::string, std::less<>> restored_;
    Value::List effects_;
};

} // namespace respawn::run
