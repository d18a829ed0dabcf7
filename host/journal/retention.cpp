#include "journal/retention.h"

#include "journal/rows.h"

#include <fmt/format.h>

namespace respawn::journal {

using database::Session;

namespace {

Result<void> remove_run(Session& session, const Audit& audit, const std::string& run) {
    std::vector<Watched> gone{ { "runs", { run } } };
    for (const auto& [table, key] :
         { std::pair("calls", "position"), std::pair("answers", "number") }) {
        for (const auto& row :
             TRY(session.rows(fmt::format("select {} from {} where run = ?", key, table), { run })))
            gone.push_back({ table, { run, row.at(key) } });
        TRY(session.run(fmt::format("delete from {} where run = ?", table), { run }));
    }
    TRY(session.run("delete from run_sources where run = ?", { run }));
    TRY(session.run("delete from runs where id = ?", { run }));
    return audit.append(session, gone);
}

Result<void> remove_plan(Session& session, const Audit& audit, const Value& hash) {
    const auto gone = TRY(watched_approvals(session, *hash.text()));
    TRY(session.run("delete from approvals where plan = ?", { hash }));
    TRY(session.run("delete from plans where hash = ?", { hash }));
    return audit.append(session, gone);
}

Result<void> remove_rehearsals(Session& session, const Audit& audit, Moment before) {
    std::vector<Watched> gone;
    for (const auto& row :
         TRY(session.rows("select id from rehearsals where began < ?", { before.microseconds })))
        gone.push_back({ "rehearsals", { row.at("id") } });
    TRY(session.run("delete from rehearsals where began < ?", { before.microseconds }));
    return audit.append(session, gone);
}

} // namespace

Result<std::int64_t> remove_ended(Session& session, const Audit& audit, Moment before) {
    const auto old = TRY(session.rows(
        "select id from runs where finished > 0 and finished < ? and state != 'running' and state != "
        "'parked' and not exists (select 1 from leases where run = runs.id)",
        { before.microseconds }));
    for (const auto& run : old)
        TRY(remove_run(session, audit, text_of(run, "id")));
    for (const auto& plan : TRY(session.rows(
             "select hash from plans where made < ? and not exists (select 1 from runs where plan = "
             "plans.hash)",
             { before.microseconds })))
        TRY(remove_plan(session, audit, plan.at("hash")));
    TRY(remove_rehearsals(session, audit, before));
    TRY(session.run("delete from sources where not exists (select 1 from run_sources where hash = "
                    "sources.hash)"));
    return static_cast<std::int64_t>(old.size());
}

} // namespace respawn::journal
