#include "run/undo.h"

#include "run/game.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

using RowState = UndoableRow::State;

Result<journal::RunRecord> ended_run(journal::Journal& journal, std::string_view name) {
    auto run = TRY(journal.run(name));
    if (run.state != journal::RunState::running)
        return run;
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("run {} has not ended", run.id),
                  .fix = fmt::format("wait for it; if it was interrupted: respawn resume {}", run.id) };
}

Result<std::vector<database::RowChange>> written_by(const journal::CallRecord& call) {
    if (call.state != journal::CallState::done || call.result.at("written").is_null())
        return std::vector<database::RowChange>();
    return TRY(database::written_from(call.result.at("written"))).rows;
}

// Several changes of one row become one, from its first before to its last after.
void add(std::vector<database::RowChange>& changes, database::RowChange change) {
    for (auto& known : changes)
        if (known.table == change.table && known.key == change.key) {
            known.after = std::move(change.after);
            return;
        }
    changes.push_back(std::move(change));
}

// Columns that the row has got since are not looked at.
bool is(const Value::Map& seen, const Value::Map& live) {
    return std::ranges::all_of(seen, [&](const auto& cell) {
        const auto found = live.find(cell.first);
        return found != live.end() && found->second == cell.second;
    });
}

Result<UndoableRow> look_at(database::Reader& reader, database::RowChange change) {
    const auto found = TRY(reader.rows_with(change.table, change.key, 2));
    UndoableRow row{ .change = std::move(change), .problem = {} };
    const auto matches = [&](const Value::Map& seen) {
        return seen.empty() ? found.empty() : found.size() == 1 && is(seen, found.front());
    };
    row.state = matches(row.change.after)    ? RowState::ready
                : matches(row.change.before) ? RowState::undone
                                             : RowState::moved;
    if (row.state == RowState::moved)
        row.problem = found.empty() ? "it is gone" : "it has changed since";
    return row;
}

database::Change inverse(const database::RowChange& change) {
    const auto kind = change.before.empty()  ? database::ChangeKind::remove
                      : change.after.empty() ? database::ChangeKind::insert
                                             : database::ChangeKind::update;
    database::Change back{ .kind = kind,
                           .table = change.table,
                           .key = change.after.empty() ? Value::Map{} : change.key,
                           .set = {},
                           .add = {},
                           .expect = change.after,
                           .business_key = {} };
    for (const auto& [column, value] : change.before)
        if (const auto now = change.after.find(column);
            now == change.after.end() || !(now->second == value))
            back.set.emplace(column, value);
    return back;
}

} // namespace

Result<std::vector<std::string>> databases_of_run(const Call& call, std::string_view name) {
    auto* journal = TRY(call.game().journal());
    const auto run = TRY(ended_run(*journal, name));
    std::vector<std::string> components;
    for (const auto& made : TRY(journal->calls(run.id)))
        if (!TRY(written_by(made)).empty() &&
            std::ranges::find(components, made.component) == components.end())
            components.push_back(made.component);
    return components;
}

Result<UndoableRun> find_undoable(const Call& call, std::string_view name, std::string_view component) {
    auto* journal = TRY(call.game().journal());
    const auto run = TRY(ended_run(*journal, name));
    std::vector<database::RowChange> changes;
    for (const auto& made : TRY(journal->calls(run.id)))
        if (made.component == component)
            for (auto& change : TRY(written_by(made)))
                if (change.asked)
                    add(changes, std::move(change));
    UndoableRun found{ .run = run.id, .runbook = run.runbook, .rows = {} };
    auto* reader = TRY(call.reader(component));
    for (auto& change : changes)
        if (change.before != change.after)
            found.rows.push_back(TRY(look_at(*reader, std::move(change))));
    return found;
}

std::vector<database::Change> changes_of(const UndoableRun& undoable) {
    std::vector<database::Change> changes;
    for (const auto& row : undoable.rows)
        if (row.state == RowState::ready)
            changes.push_back(inverse(row.change));
    std::ranges::reverse(changes);
    return changes;
}

} // namespace respawn::run
