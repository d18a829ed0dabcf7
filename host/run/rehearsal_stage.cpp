#include "run/rehearsal_stage.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

bool holds_whole(const vault::Snapshot& snapshot, std::string_view component) {
    const auto* record = snapshot.component(component);
    return record && record->success && record->holds("");
}

} // namespace

Result<std::unique_ptr<RehearsalStage>> RehearsalStage::set(Game& game, const Rehearsing& how,
                                                            const Cancellation& cancel, Told told) {
    auto scratch = TRY(ScratchFolder::take(game.config().scratch));
    std::unique_ptr<RehearsalStage> stage(
        new RehearsalStage(game, how, std::move(scratch), cancel, std::move(told)));
    game.play_on(stage.get());
    return stage;
}

// First whoever has a copy open, then the copies.
RehearsalStage::~RehearsalStage() {
    game_.play_on(nullptr);
    copies_.clear();
    std::error_code fault;
    std::filesystem::remove_all(state(), fault);
}

RehearsalStage::Copy::~Copy() {
    copy.reset();
    if (folder)
        open_up(folder->path());
}

Result<config::ComponentSettings> RehearsalStage::place(const config::ComponentSettings& live) {
    return TRY(copy_of(live))->copy->settings();
}

Result<vault::Snapshot> RehearsalStage::backup_of(const config::ComponentSettings& live) {
    return TRY(copy_of(live))->snapshot;
}

Result<RehearsalStage::Copy*> RehearsalStage::copy_of(const config::ComponentSettings& live) {
    if (const auto known = copies_.find(live.name); known != copies_.end())
        return known->second.get();
    auto made = bring_back(live).while_doing("bring back a copy to rehearse on", live.name);
    if (!made.ok())
        failure_ = made.error();
    return made;
}

Result<RehearsalStage::Copy*> RehearsalStage::bring_back(const config::ComponentSettings& live) {
    const auto begun = now();
    const auto snapshot = TRY(choose(live.name));
    auto& copy = copies_[live.name] = TRY(make_copy(live, snapshot));
    if (!chosen_)
        chosen_ = snapshot;
    const auto took = now() - begun;
    restoring_ += took;
    tell(*copy, live.name, took);
    return copy.get();
}

// All from one backup as far as it has them: they fit together.
Result<vault::Snapshot> RehearsalStage::choose(const std::string& component) {
    if (chosen_ && holds_whole(*chosen_, component))
        return *chosen_;
    if (!snapshots_)
        snapshots_ = TRY(TRY(game_.vault())->snapshots());
    const auto name = how_.backup.empty() ? std::string("latest") : how_.backup;
    auto found = TRY(vault::find_snapshot(*snapshots_, name, { component }, now()));
    if (holds_whole(found, component))
        return found;
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("snapshot {} does not hold all of component {}", found.id,
                                     printable(component)),
                  .fix = "name another with --backup (respawn list), or leave it out" };
}

Result<std::unique_ptr<RehearsalStage::Copy>>
RehearsalStage::make_copy(const config::ComponentSettings& live, const vault::Snapshot& snapshot) {
    auto made = std::make_unique<Copy>();
    made->snapshot = snapshot;
    made->folder =
        std::make_unique<io::TemporaryFolder>(TRY(io::TemporaryFolder::make(scratch_.folder)));
    const component::ScratchPlace place{ .folder = made->folder->path(),
                                         .id = scratch_.id,
                                         .server = game_.config().scratch_server(live.name),
                                         .live = &live };
    component::Work work{ .cancel = cancel_ };
    if (how_.progress)
        work.progress = [&](std::uint64_t done, std::uint64_t total) {
            how_.progress(live.name, done, total);
        };
    made->copy = TRY(component::restore_to_scratch(*TRY(game_.vault()), *snapshot.component(live.name),
                                                   place, work));
    return made;
}

// Beside the one that is there, as it is live.
Result<component::RestoreReport> RehearsalStage::replace(const config::ComponentSettings& live,
                                                         const vault::Snapshot& snapshot) {
    if (!holds_whole(snapshot, live.name))
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("snapshot {} does not hold all of component {}", snapshot.id,
                                         printable(live.name)) };
    auto made = TRY(make_copy(live, snapshot));
    game_.play_on(this); // closes the one that goes
    auto& copy = copies_[live.name];
    copy = std::move(made);
    return copy->copy->report();
}

bool RehearsalStage::goes_on(const std::string& why) const {
    if (how_.regardless)
        told_("it would end here, and goes on regardless: " + why);
    return how_.regardless;
}

void RehearsalStage::tell(const Copy& copy, const std::string& component, Duration took) const {
    told_(fmt::format("{} is back from backup {} ({} old) in {}", printable(component),
                      copy.snapshot.id, human_duration(now() - Moment{ copy.snapshot.started }),
                      human_duration(took)));
    for (const auto& note : copy.copy->report().notes)
        told_(fmt::format("{}: {}", printable(component), note));
}

} // namespace respawn::run
