#include "run/backup.h"

#include "run/own_state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

Result<std::vector<std::string>> chosen(const Game& game, const BackupRequest& request) {
    if (!request.components.empty())
        return request.components;
    std::vector<std::string> all;
    for (const auto& component : game.config().components)
        all.push_back(component.name);
    return all;
}

vault::ComponentRecord failed(const config::ComponentSettings& settings, const Error& error,
                              Moment started) {
    vault::ComponentRecord record{ .name = settings.name, .kind = settings.kind };
    record.started = started.microseconds;
    record.duration = (now() - started).count();
    record.success = false;
    record.error = error.why;
    return record;
}

Result<vault::ComponentRecord> take(component::Component& component, vault::Writer& writer,
                                    component::Work work) {
    const auto started = now();
    auto record = component.back_up(writer, work);
    if (record.ok())
        return record;
    if (record.error().kind == Kind::cancelled || record.error().kind == Kind::no_space)
        return record.error();
    return failed(component.settings(), record.error(), started);
}

Result<void> take_named(Game& game, const std::vector<std::string>& names,
                        const std::vector<std::string>& tables, vault::Writer& writer,
                        const Cancellation& cancel, const BackupProgress& progress,
                        std::vector<vault::ComponentRecord>& records) {
    for (const auto& name : names) {
        auto work = game.work(name, cancel);
        work.tables = tables;
        if (progress)
            work.progress = [&](std::uint64_t done, std::uint64_t total) {
                progress(name, done, total);
            };
        records.push_back(TRY(take(*TRY(game.component(name)), writer, std::move(work))));
    }
    return {};
}

Result<void> take_own_state(Game& game, vault::Writer& writer, const Cancellation& cancel,
                            std::vector<vault::ComponentRecord>& records) {
    for (const auto& settings : own_state(game.config())) {
        const auto component = TRY(component::open_component(settings));
        auto work = game.work(settings.name, cancel);
        work.keep_out.clear(); // the journal lies in the state folder
        records.push_back(TRY(take(*component, writer, std::move(work))));
        if (records.back().success) // a journal in which nothing stands yet is no loss
            records.back().error.clear();
    }
    return {};
}

} // namespace

Result<vault::Snapshot> back_up(Game& game, const BackupRequest& request, const Cancellation& cancel,
                                const BackupProgress& progress) {
    const auto names = TRY(chosen(game, request));
    for (const auto& name : names)
        TRY(game.component(name)); // a name that is not configured is refused before anything is read
    auto* vault = TRY(game.vault_or_new());
    vault::SnapshotDraft draft{ .game = game.config().game,
                                .environment = game.config().environment,
                                .plan = request.plan,
                                .type = request.type,
                                .note = request.note,
                                .started = now() };
    if (!request.call.empty())
        draft.report = Value::Map{ { "call", request.call } };
    auto writer = TRY(vault->begin_backup());
    TRY(take_named(game, names, request.tables, writer, cancel, progress, draft.components));
    const bool none = std::none_of(draft.components.begin(), draft.components.end(),
                                   [](const auto& record) { return record.success; });
    if (none)
        return Error{ .kind = Kind::io,
                      .what = "take a backup",
                      .on = draft.components.front().name,
                      .why = draft.components.front().error,
                      .fix = "nothing was stored as a snapshot; repair the cause and take it again" };
    TRY(take_own_state(game, writer, cancel, draft.components));
    return writer.finish(std::move(draft));
}

} // namespace respawn::run
