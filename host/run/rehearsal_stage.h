// Where a rehearsal is played: copies of the components in the scratch place, each brought back from a
// backup when it is first touched, all gone at the end.
#pragma once

#include "component/scratch.h"
#include "run/game.h"
#include "run/rehearsal.h"
#include "run/scratch_folder.h"

namespace respawn::run {

class RehearsalStage final : public Stage {
  public:
    using Told = std::function<void(const std::string& line)>; // "database is back from backup 01J… …"

    // The game is played here from now on. Kind::leased while another command works in the scratch
    // place; what a killed one left there is removed.
    static Result<std::unique_ptr<RehearsalStage>> set(Game& game, const Rehearsing& how,
                                                       const Cancellation& cancel, Told told);
    // And on the live components again.
    ~RehearsalStage() override;

    Result<config::ComponentSettings> place(const config::ComponentSettings& live) override;
    Result<vault::Snapshot> backup_of(const config::ComponentSettings& live) override;
    io::Path state() const override { return scratch_.folder / "state"; }
    // Another snapshot's copy takes the place of the one that is there, if any.
    Result<component::RestoreReport> replace(const config::ComponentSettings& live,
                                             const vault::Snapshot& snapshot);

    // Whether the rehearsal goes on though nothing needs doing; it is told so.
    bool goes_on(const std::string& why) const;

    // The id of the backup that what was touched first came from; empty when nothing was.
    std::string backup() const { return chosen_ ? chosen_->id : std::string(); }
    Duration restoring() const { return restoring_; } // all that place() and backup_of() brought back
    // Why a copy could not be made. The rehearsal tells nothing then, whatever the script made of it.
    const std::optional<Error>& failure() const { return failure_; }

  private:
    struct Copy {
        vault::Snapshot snapshot;
        std::unique_ptr<io::TemporaryFolder> folder; // ends behind what lies in it
        std::unique_ptr<component::ScratchCopy> copy;
        ~Copy();
    };
    RehearsalStage(Game& game, Rehearsing how, ScratchFolder scratch, const Cancellation& cancel,
                   Told told)
        : game_(game), how_(std::move(how)), scratch_(std::move(scratch)), cancel_(cancel),
          told_(std::move(told)) {}
    Result<Copy*> copy_of(const config::ComponentSettings& live);
    Result<Copy*> bring_back(const config::ComponentSettings& live);
    Result<vault::Snapshot> choose(const std::string& component);
    Result<std::unique_ptr<Copy>> make_copy(const config::ComponentSettings& live,
                                            const vault::Snapshot& snapshot);
    void tell(const Copy& copy, const std::string& component, Duration took) const;

    Game& game_;
    const Rehearsing how_;
    const ScratchFolder scratch_;
    const Cancellation& cancel_;
    const Told told_;
    std::optional<vault::Snapshot> chosen_;
    std::optional<std::vector<vault::Snapshot>> snapshots_;
    std::map<std::string, std::unique_ptr<Copy>, std::less<>> copies_;
    Duration restoring_{};
    std::optional<Error> failure_;
};

} // namespace respawn::run
