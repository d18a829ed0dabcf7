#include "cli/diff_table.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/path_view.h"
#include "cli/snapshot_view.h"
#include "component/snapshot_table.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::string_view live = "live";

// A table and what it is called in the last line.
struct Side {
    std::unique_ptr<component::SnapshotTable> table;
    std::string text; // "01J… (yesterday 02:00)" or "live"
    std::string component;
    vault::ChunkId tree = {}; // of the whole component; the same: nothing differs
};

Result<Side> side_of(const Context& context, OpenVault& source, const std::string& name) {
    const auto component = context.typed.value("--component");
    const auto needs = component.empty()
                           ? std::vector<std::string>()
                           : std::vector{ component + "/" + context.typed.value("--table") };
    const auto snapshot = TRY(named_snapshot(source, name, needs));
    const auto* record = TRY(database_in(snapshot, component));
    return Side{ .table =
                     TRY(component::open_table(*source.vault, *record, context.typed.value("--table"))),
                 .text = fmt::format("{} ({})", snapshot.id, to_rfc3339({ snapshot.started }, true)),
                 .component = record->name,
                 .tree = record->tree };
}

Result<Side> live_side(const Context& context, OpenVault& source, const Side& other) {
    if (!source.game)
        return Error{ .kind = Kind::usage,
                      .why = "without a configuration nobody knows where the live database is",
                      .fix = "leave --location out, or name two backups" };
    auto* database = TRY(source.game->database(other.component));
    const auto& settings = TRY(source.game->component(other.component))->settings();
    return Side{ .table = TRY(
                     component::live_table(settings, other.table->shape(), *database, context.cancel)),
                 .text = std::string(live),
                 .component = other.component };
}

struct RowCounts {
    std::uint64_t added = 0, removed = 0, changed = 0;
};

// Columns that only one of them has are said once, and not row by row.
class Comparison {
  public:
    Comparison(const Side& before, const Side& after, bool json)
        : shape_(before.table->shape()), after_(after.table->shape()) {
        if (json)
            array_.emplace();
    }

    Result<void> take(const Value::Map& before, const Value::Map& after) {
        database::RowChange change{ .table = shape_.name,
                                    .key = key_of(before.empty() ? after : before),
                                    .before = in_both(before),
                                    .after = in_both(after) };
        if (change.before == change.after)
            return {};
        ++(before.empty() ? counts_.added : after.empty() ? counts_.removed : counts_.changed);
        if (array_)
            array_->add(Value::Map{ { "key", change.key },
                                    { "before", before.empty() ? Value() : Value(change.before) },
                                    { "after", after.empty() ? Value() : Value(change.after) } });
        else
            for (const auto& line : change_lines({ change }))
                say(line);
        return {};
    }

    void conclude(const Side& before, const Side& after) {
        if (array_)
            return array_->finish();
        for (const auto& column : only_in(shape_, after_))
            tell(fmt::format("column {} is only in {}", printable(column), before.text));
        for (const auto& column : only_in(after_, shape_))
            tell(fmt::format("column {} is only in {}", printable(column), after.text));
        tell(fmt::format("{}: {} added, {} removed, {} changed; from {} to {}", printable(shape_.name),
                         counted(counts_.added, "row"), counts_.removed, counts_.changed, before.text,
                         after.text));
    }

  private:
    static std::vector<std::string> only_in(const component::TableShape& one,
                                            const component::TableShape& other) {
        std::vector<std::string> found;
        for (const auto& column : one.columns)
            if (std::ranges::find(other.columns, column) == other.columns.end())
                found.push_back(column);
        return found;
    }
    Value::Map key_of(const Value::Map& row) const {
        Value::Map key;
        for (const auto& column : shape_.key)
            key.emplace(column, row.at(column));
        return key;
    }
    Value::Map in_both(const Value::Map& row) const {
        Value::Map cells;
        for (const auto& column : shape_.columns)
            if (const auto found = row.find(column);
                found != row.end() && std::ranges::find(after_.columns, column) != after_.columns.end())
                cells.insert(*found);
        return cells;
    }

    const component::TableShape& shape_;
    const component::TableShape& after_;
    RowCounts counts_;
    std::optional<JsonArray> array_;
};

} // namespace

Result<int> diff_table(const Context& context) {
    if (context.typed.has("PATH"))
        return Error{ .kind = Kind::usage, .why = "a PATH names files, and --table a table of rows" };
    auto source = TRY(open_vault(context));
    const auto before = TRY(side_of(context, source, context.typed.value("A")));
    const bool with_live = context.typed.value("B") == live;
    const auto after = TRY(with_live ? live_side(context, source, before)
                                     : side_of(context, source, context.typed.value("B")));
    Comparison comparison(before, after, context.json);
    if (with_live || before.tree != after.tree)
        TRY(component::compare_tables(*before.table, *after.table,
                                      [&](const Value::Map& was, const Value::Map& is) -> Result<void> {
                                          TRY(context.cancel.check());
                                          return comparison.take(was, is);
                                      })
                .while_doing("compare table " + printable(context.typed.value("--table")),
                             fmt::format("{} and {}", before.text, after.text)));
    comparison.conclude(before, after);
    return 0;
}

} // namespace respawn::cli
