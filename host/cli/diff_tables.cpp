#include "cli/diff_tables.h"

#include "base/text.h"
#include "cli/output.h"
#include "component/snapshot_table.h"
#include "run/own_state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

struct TableDifference {
    enum class What { added, removed, rows, not_compared };
    What what = What::rows;
    std::string component, table;
    std::uint64_t added = 0, removed = 0, changed = 0; // rows
    std::string why = {};                              // it was not compared
};

std::string details_of(const TableDifference& found) {
    if (found.what == TableDifference::What::rows)
        return fmt::format("{} added, {} removed, {} changed", counted(found.added, "row"),
                           found.removed, found.changed);
    if (found.what == TableDifference::What::not_compared)
        return "not compared: " + printable(found.why);
    return found.what == TableDifference::What::added ? "a table that the backup lacks"
                                                      : "a table that is gone";
}

void show(const TableDifference& found) {
    static constexpr Colour colours[] = { Colour::green, Colour::red, Colour::yellow, Colour::plain };
    const auto kind = static_cast<std::size_t>(found.what);
    say(painted(fmt::format("{} {}.{}  {}", "+-M?"[kind], printable(found.component),
                            printable(found.table), details_of(found)),
                colours[kind]));
}

Value to_value(const TableDifference& found) {
    static constexpr std::string_view words[] = { "added", "removed", "rows", "not_compared" };
    return Value::Map{ { "change", words[static_cast<std::size_t>(found.what)] },
                       { "component", found.component },
                       { "table", found.table },
                       { "added", static_cast<std::int64_t>(found.added) },
                       { "removed", static_cast<std::int64_t>(found.removed) },
                       { "changed", static_cast<std::int64_t>(found.changed) },
                       { "why", found.why.empty() ? Value() : Value(found.why) } };
}

// The cells of a row in columns that both tables have.
Value::Map in_both(const Value::Map& row, const component::SnapshotTable& one,
                   const component::SnapshotTable& other) {
    const auto has = [](const component::SnapshotTable& table, const std::string& column) {
        return std::ranges::find(table.shape().columns, column) != table.shape().columns.end();
    };
    Value::Map cells;
    for (const auto& [column, value] : row)
        if (has(one, column) && has(other, column))
            cells.emplace(column, value);
    return cells;
}

// Respawn's markers in the database.
bool is_own(std::string_view table) { return table.starts_with("respawn_"); }

// One database of a backup beside the live one.
class LiveComparison {
  public:
    using Take = std::function<void(const TableDifference&)>;
    LiveComparison(const Context& context, vault::Vault& vault, const vault::ComponentRecord& record,
                   const config::ComponentSettings& settings, database::Reader& reader)
        : context_(context), vault_(vault), record_(record), settings_(settings), live_(reader) {}

    Result<void> run(const Take& take) {
        auto left = TRY(component::live_tables(settings_, live_));
        std::erase_if(left, is_own);
        for (const auto& shape : TRY(component::list_tables(vault_, record_))) {
            TRY(context_.cancel.check());
            if (is_own(shape.name))
                continue;
            const bool there = std::erase(left, shape.name) > 0;
            const auto found = there ? TRY(compare(shape))
                                     : TableDifference{ .what = TableDifference::What::removed,
                                                        .component = record_.name,
                                                        .table = shape.name };
            if (found.what != TableDifference::What::rows ||
                found.added + found.removed + found.changed)
                take(found);
        }
        for (const auto& name : left)
            take({ .what = TableDifference::What::added, .component = record_.name, .table = name });
        return {};
    }

  private:
    Result<TableDifference> compare(const component::TableShape& shape) {
        TableDifference found{ .component = record_.name, .table = shape.name };
        const auto table = TRY(component::open_table(vault_, record_, shape.name));
        const auto beside = TRY(component::live_table(settings_, shape, live_, context_.cancel));
        const auto compared = component::compare_tables(
            *table, *beside, [&](const Value::Map& was, const Value::Map& is) -> Result<void> {
                TRY(context_.cancel.check());
                if (in_both(was, *table, *beside) != in_both(is, *table, *beside))
                    ++(was.empty() ? found.added : is.empty() ? found.removed : found.changed);
                return {};
            });
        if (compared.ok())
            return found;
        if (compared.error().kind != Kind::unsupported && compared.error().kind != Kind::usage)
            return compared.error();
        found.what = TableDifference::What::not_compared;
        found.why = compared.error().why;
        return found;
    }

    const Context& context_;
    vault::Vault& vault_;
    const vault::ComponentRecord& record_;
    const config::ComponentSettings& settings_;
    database::Reader& live_;
};

bool is_asked_for(const Context& context, const vault::ComponentRecord& record) {
    const auto wanted = context.typed.value("--component");
    return record.success && component::holds_tables(record.kind) &&
           (wanted.empty() ? !run::is_own_state(record.name) : record.name == wanted);
}

} // namespace

Result<int> diff_live_tables(const Context& context) {
    auto source = TRY(open_vault(context));
    if (!source.game)
        return Error{ .kind = Kind::usage,
                      .why = "without a configuration nobody knows what is live",
                      .fix = "leave --location out, or name two backups" };
    const auto before = TRY(named_snapshot(source, context.typed.value("A")));
    const auto name = fmt::format("{} ({})", before.id, to_rfc3339({ before.started }, true));
    std::uint64_t differ = 0, not_compared = 0;
    std::optional<JsonArray> array;
    if (context.json)
        array.emplace();
    bool any = false;
    for (const auto& record : before.components) {
        if (!is_asked_for(context, record))
            continue;
        any = true;
        auto* live = TRY(source.game->database(record.name));
        const auto& settings = TRY(source.game->component(record.name))->settings();
        LiveComparison comparison(context, *source.vault, record, settings, *live);
        TRY(comparison
                .run([&](const TableDifference& found) {
                    ++(found.what == TableDifference::What::not_compared ? not_compared : differ);
                    array ? array->add(to_value(found)) : show(found);
                })
                .while_doing("compare " + printable(record.name), name + " and live"));
    }
    if (!any)
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("snapshot {} holds no database to compare with", before.id),
                      .fix = "files are compared between two backups: respawn diff A B" };
    if (array)
        array->finish();
    else
        tell(fmt::format(
            "{} differ{}, {} not compared; from {} to live. The rows of one: respawn diff {} "
            "live --table TABLE",
            counted(differ, "table"), differ == 1 ? "s" : "", not_compared, name, before.id));
    return 0;
}

} // namespace respawn::cli
