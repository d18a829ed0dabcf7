#include "journal/records.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>

namespace respawn::journal {

using database::Session;

namespace {

constexpr std::size_t id_length = 26, hash_length = 64;

std::string in_upper_case(std::string_view text) {
    std::string upper(text);
    for (auto& c : upper)
        c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return upper;
}

// Stores differ in how they cut texts; all of them know what lies between two.
std::string padded(std::string_view begin, std::size_t length, char with) {
    std::string text(begin);
    text.resize(std::max(length, text.size()), with);
    return text;
}

// The first and the last id that begin so; for what no id begins with, two that none lies between.
std::vector<Value> ids_that_begin(std::string_view name) {
    const auto begin = in_upper_case(name);
    if (begin.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string::npos)
        return { "1", "0" };
    return { padded(begin, id_length, '0'), padded(begin, id_length, 'Z') };
}

Error none_or_several(std::size_t count, std::string_view what, std::string_view name,
                      std::string_view fix) {
    return Error{ .kind = count == 0 ? Kind::missing : Kind::conflict,
                  .why = fmt::format("{} {} begins with '{}'", count == 0 ? "no" : "more than one",
                                     what, printable(name)),
                  .fix = std::string(fix) };
}

} // namespace

Result<void> Records::insert_run(Session& session, const RunRecord& run) const {
    return session.run(
        fmt::format("insert into runs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                    "{0}, {0}, 0)",
                    store_.present()),
        rows_.values(run));
}

Result<void> Records::insert_sources(Session& session, std::string_view run,
                                     const Sources& sources) const {
    for (const auto& [module, text] : sources) {
        const auto hash = to_hex(crypto::sha256(text));
        TRY(session.run("insert into sources values (?, ?) on conflict (hash) do nothing",
                        { hash, Blob{ text } }));
        TRY(session.run("insert into run_sources values (?, ?, ?)", { run, module, hash }));
    }
    return {};
}

Result<void> Records::use_plan(Session& session, const RunRecord& run) const {
    if (run.plan.empty())
        return {};
    TRY(session.run("update plans set used_by = ? where hash = ? and used_by = ''",
                    { run.id, run.plan }));
    if (session.changed_rows() == 1)
        return use_approvals(session, run);
    return Error{ .kind = Kind::moved,
                  .why = fmt::format("plan {} was used before", run.plan.substr(0, 12)),
                  .fix = "make a new one: respawn run RUNBOOK --dry-run" };
}

// All of them: what was agreed to is begun once.
Result<void> Records::use_approvals(Session& session, const RunRecord& run) const {
    TRY(session.run(fmt::format("update approvals set used_by = ? where plan = ? and used_by = '' and "
                                "expires > {} and approver != ?",
                                store_.present()),
                    { run.id, run.plan, printable(run.operator_name) }));
    if (session.changed_rows() >= run.approvals)
        return {};
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("{} needed and {} of others hold",
                                     counted(static_cast<std::uint64_t>(run.approvals), "approval"),
                                     session.changed_rows()),
                  .fix =
                      fmt::format("somebody else types: respawn approve {}", run.plan.substr(0, 12)) };
}

Result<void> Records::insert_call(Session& session, std::string_view run,
                                  const CallRecord& call) const {
    return session.run(
        "insert into calls values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (run, "
        "position) do update set phase = excluded.phase, name = excluded.name, component = "
        "excluded.component, place = excluded.place, argument_hash = excluded.argument_hash, "
        "arguments = excluded.arguments, policy = excluded.policy, state = excluded.state, token = "
        "excluded.token, result = excluded.result, begun = excluded.begun, settled = "
        "excluded.settled",
        rows_.values(run, call));
}

// What happened, or may have, is not begun a second time.
Result<void> Records::must_not_have_happened(Session& session, std::string_view run,
                                             std::int64_t position) const {
    const auto state =
        TRY(session.value("select state from calls where run = ? and position = ? and policy != 'none'",
                          { run, position }));
    if (state.is_null() || state == Value(name_of(CallState::intent)) ||
        state == Value(name_of(CallState::failed)))
        return {};
    return Error{ .kind = Kind::internal,
                  .why = fmt::format("step {} of run {} is {} and would be begun again", position, run,
                                     to_text(state)) };
}

Result<std::vector<RunRecord>> Records::select_runs(Session& session, std::string_view where,
                                                    const std::vector<Value>& parameters) const {
    std::vector<RunRecord> all;
    for (const auto& row : TRY(session.rows(
             fmt::format("select r.*, coalesce(l.expires, 0) - {0} as lease_left, {0} - r.updated "
                         "as silent from runs r left join leases l on l.run = r.id where {1}",
                         store_.present(), where),
             parameters)))
        all.push_back(TRY(rows_.run(row, store_.sharing())));
    return all;
}

Result<RunRecord> Records::find_run(Session& session, std::string_view name) const {
    const auto found =
        TRY(select_runs(session, "r.id between ? and ? order by r.id limit 2", ids_that_begin(name)));
    if (found.size() == 1 && !name.empty())
        return found.front();
    return none_or_several(found.size(), "run", name, "respawn runs lists them");
}

// A write that changes nothing: its holder renews nothing between our look and our commit.
Result<RunRecord> Records::find_and_lock(Session& session, std::string_view name) const {
    const auto id = TRY(find_run(session, name)).id;
    TRY(session.run("update runs set token = token where id = ?", { id }));
    return find_run(session, id);
}

Result<std::vector<RunRecord>> Records::newest_runs(Session& session, std::size_t most) const {
    return select_runs(session, "true order by r.id desc limit ?", { static_cast<std::int64_t>(most) });
}

Result<PlanRecord> Records::find_plan(Session& session, std::string_view hash) const {
    if (hash.size() < 6 || hash.find_first_not_of("0123456789abcdef") != std::string_view::npos)
        return Error{ .kind = Kind::usage,
                      .why =
                          fmt::format("'{}' is no plan: it has at least 6 hex digits", printable(hash)),
                      .fix = "make one: respawn run RUNBOOK --dry-run" };
    const auto rows =
        TRY(session.rows("select * from plans where hash between ? and ? limit 2",
                         { padded(hash, hash_length, '0'), padded(hash, hash_length, 'f') }));
    if (rows.size() != 1)
        return Error{ .kind = rows.empty() ? Kind::missing : Kind::conflict,
                      .why = fmt::format("{} plan begins with {}",
                                         rows.empty() ? "no" : "more than one", hash),
                      .fix = "make one: respawn run RUNBOOK --dry-run" };
    return rows_.plan(rows[0]);
}

Result<void> Records::save_plan(Session& session, const PlanRecord& plan) const {
    return session.run(
        "insert into plans values (?, ?, ?, ?, ?, ?, ?, ?, '') on conflict (hash) do update "
        "set made = excluded.made, operator = excluded.operator, used_by = ''",
        { plan.hash, plan.runbook, plan.version, printable(plan.operator_name),
          rows_.sealed(plan.parameters, plan.hash, "parameters"),
          rows_.sealed(plan.sources, plan.hash, "sources"),
          rows_.sealed(plan.effects, plan.hash, "effects"), plan.made.microseconds });
}

Result<void> Records::must_be_unused(Session& session, std::string_view plan) const {
    TRY(session.run("update plans set used_by = used_by where hash = ? and used_by = ''", { plan }));
    if (session.changed_rows() == 1)
        return {};
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("plan {} was used", plan.substr(0, 12)),
                  .fix = "make a new one: respawn run RUNBOOK --dry-run" };
}

Result<void> Records::replace_approval(Session& session, const ApprovalRecord& approval) const {
    TRY(session.run("delete from approvals where plan = ? and approver = ? and used_by = ''",
                    { approval.plan, printable(approval.approver) }));
    return session.run(fmt::format("insert into approvals values (?, ?, ?, ?, {0}, {0} + {1}, '')",
                                   store_.present(), (approval.expires - approval.made).count()),
                       { approval.plan, printable(approval.requester), printable(approval.approver),
                         printable(approval.reason) });
}

Result<std::vector<ApprovalRecord>> Records::approvals(Session& session, std::string_view plan) const {
    std::vector<ApprovalRecord> all;
    for (const auto& row : TRY(session.rows(fmt::format("select a.*, {} as present from approvals a "
                                                        "where plan = ? order by approver",
                                                        store_.present()),
                                            { plan })))
        all.push_back(Rows::approval(row));
    return all;
}

Result<std::vector<AnswerRecord>> Records::answers(Session& session, std::string_view run) const {
    std::vector<AnswerRecord> all;
    for (const auto& row :
         TRY(session.rows("select * from answers where run = ? order by number", { run })))
        all.push_back(TRY(rows_.answer(row)));
    return all;
}

Result<void> Records::insert_rehearsal(Session& session, const RehearsalRecord& rehearsal) const {
    return session.run("insert into rehearsals values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       rows_.values(rehearsal));
}

Result<std::vector<RehearsalRecord>> Records::newest_rehearsals(Session& session, std::size_t most,
                                                                std::string_view sources) const {
    std::vector<RehearsalRecord> all;
    for (const auto& row : TRY(session.rows(
             fmt::format("select id, runbook, version, sources, parameters, backup, operator, began, "
                         "took, restore_took, passed, error from rehearsals where {} order by id desc "
                         "limit ?",
                         sources.empty() ? "? = ''" : "sources = ?"),
             { sources, static_cast<std::int64_t>(most) })))
        all.push_back(TRY(rows_.rehearsal(row)));
    return all;
}

Result<RehearsalRecord> Records::find_rehearsal(Session& session, std::string_view name) const {
    const auto found = TRY(session.rows(
        "select * from rehearsals where id between ? and ? order by id limit 2", ids_that_begin(name)));
    if (found.size() == 1 && !name.empty())
        return rows_.rehearsal(found.front());
    return none_or_several(found.size(), "rehearsal", name, "respawn runs --rehearsals lists them");
}

} // namespace respawn::journal
