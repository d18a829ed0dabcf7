#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "component/snapshot_table.h"
#include "run/targeted_restore.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// The row as it was from one backup on. Empty: it was not there.
struct RowVersion {
    std::string snapshot; // id
    Moment seen;
    Value::Map row;
};

Result<Value::Map> row_in(component::SnapshotTable& table, const Value::Map& key) {
    auto found = TRY(table.find(key));
    if (found.size() > 1)
        return Error{ .kind = Kind::usage,
                      .why = "the key names several rows of " + printable(table.shape().name),
                      .fix = "name the row by its primary key: " +
                             printable(join(table.shape().key, ", ")) };
    return found.empty() ? Value::Map{} : std::move(found.front());
}

void add(std::vector<RowVersion>& versions, RowVersion version) {
    const bool differs = versions.empty() ? !version.row.empty() : version.row != versions.back().row;
    if (differs)
        versions.push_back(std::move(version));
}

// Backups in which the component is the same are looked into once.
Result<std::vector<RowVersion>> versions_in_backups(const Context& context, OpenVault& source,
                                                    const std::string& component,
                                                    const std::string& name, const Value::Map& key) {
    std::vector<RowVersion> versions;
    std::optional<vault::ChunkId> seen;
    std::optional<Error> missing;
    for (const auto& snapshot : TRY(readable_snapshots(source))) {
        TRY(context.cancel.check());
        const auto record = database_in(snapshot, component);
        if (!record.ok() || seen == record.value()->tree || !record.value()->holds(name))
            continue;
        seen = record.value()->tree;
        const auto table = component::open_table(*source.vault, *record.value(), name);
        if (!table.ok() && table.error().kind != Kind::missing)
            return table.error();
        if (!table.ok())
            missing = table.error();
        add(versions, { snapshot.id,
                        { snapshot.started },
                        table.ok() ? TRY(row_in(*table.value(), key)) : Value::Map{} });
    }
    if (versions.empty() && missing)
        return *missing;
    return versions;
}

// What was typed, as the row itself has it: 42 and not '42'.
Value::Map key_in(const Value::Map& row, Value::Map key) {
    for (auto& [column, value] : key)
        value = row.at(column);
    return key;
}

void show(const std::string& table, const Value::Map& asked, const std::vector<RowVersion>& versions) {
    if (versions.empty())
        return tell(fmt::format("no backup has {}", run::row_name(table, asked)));
    const auto key = key_in(versions.front().row, asked);
    Value::Map before;
    for (const auto& version : versions) {
        say(painted(fmt::format("{}  {}", to_rfc3339(version.seen, true), version.snapshot),
                    Colour::bold));
        for (const auto& line :
             change_lines({ { .table = table, .key = key, .before = before, .after = version.row } }))
            say("  " + line);
        before = version.row;
    }
}

Value versions_value(const std::vector<RowVersion>& versions) {
    Value::List list;
    for (const auto& version : versions)
        list.push_back(Value::Map{ { "snapshot", version.snapshot },
                                   { "time", to_rfc3339(version.seen) },
                                   { "row", version.row.empty() ? Value() : Value(version.row) } });
    return list;
}

Result<int> show_history(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto table = context.typed.value("TABLE");
    const auto keys = TRY(run::read_keys(context.typed.value("KEY")));
    const auto versions = TRY(
        versions_in_backups(context, source, context.typed.value("--component"), table, keys.front())
            .while_doing("look a row up in all backups", run::row_name(table, keys.front())));
    if (context.json)
        say_json(versions_value(versions));
    else
        show(table, keys.front(), versions);
    return versions.empty() ? 1 : 0;
}

} // namespace

extern const Verb history = {
    .name = "history",
    .summary = "Shows how one row of a table changed from backup to backup.",
    .arguments = { { .name = "TABLE", .doc = "the table", .required = true },
                   { .name = "KEY",
                     .doc = "the row: COLUMN=VALUE, several with a comma between them",
                     .required = true } },
    .options = with_opening({ { .name = "--component",
                                .value = "NAME",
                                .doc = "which database, when the backups hold several" } }),
    .details = "A backup stands for all that follow in which the row is the same.",
    .example = "respawn history players id=42",
    .run = show_history,
};

} // namespace respawn::cli
