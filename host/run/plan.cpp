#include "run/plan.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

namespace respawn::run {

namespace {

bool same_row(const database::Change& change, const database::RowChange& row) {
    if (change.table != row.table)
        return false;
    if (change.kind == database::ChangeKind::insert)
        return row.before.empty();
    for (const auto& [column, value] : change.key)
        if (const auto found = row.before.find(column);
            found == row.before.end() || !(found->second == value))
            return false;
    return true;
}

// What the database or the clock made at the moment of the write becomes a symbol.
void symbolise(const database::Change& change, database::RowChange& row) {
    for (const auto& [column, value] : change.set)
        if (value.symbol() && row.after.contains(column))
            row.after[column] = value;
    if (change.kind != database::ChangeKind::insert)
        return;
    for (auto& [column, value] : row.key) {
        if (change.set.contains(column))
            continue;
        value = Symbol{ "new id" };
        if (row.after.contains(column))
            row.after[column] = Symbol{ "new id" };
    }
}

bool is_given(const database::Write& write, const database::RowChange& row, const std::string& column) {
    for (const auto& change : write.changes)
        if (row.asked && same_row(change, row) &&
            (change.set.contains(column) || change.add.contains(column)))
            return true;
    return false;
}

// Numbers and times that the server gave by itself.
void symbolise_made(const database::Write& write, database::RowChange& row) {
    for (const auto& column : std::exchange(row.made, {})) {
        if (is_given(write, row, column))
            continue;
        for (auto* values : { &row.key, &row.after })
            if (const auto found = values->find(column); found != values->end())
                found->second = Symbol{ row.key.contains(column) ? "new id" : "new value" };
    }
}

constexpr std::string_view clock_symbol = "now";

// The name of a symbol in the arguments that is not the clock, or empty.
std::string unknown_in(const Value& value) {
    if (value.symbol())
        return value.symbol()->name == clock_symbol ? "" : value.symbol()->name;
    if (const auto* items = value.list())
        for (const auto& item : *items)
            if (auto name = unknown_in(item); !name.empty())
                return name;
    if (const auto* members = value.map())
        for (const auto& [key, member] : *members)
            if (auto name = unknown_in(member); !name.empty())
                return name;
    return {};
}

} // namespace

Result<void> must_be_known(const Step& step) {
    const auto name = unknown_in(step.arguments);
    if (name.empty())
        return {};
    return Error{ .kind = Kind::unknown,
                  .why = fmt::format("respawn.{} needs <{}>, which only a live run knows",
                                     step.primitive.name, printable(name)) };
}

Value planned_effect(const Step& step, const database::Write* write,
                     const std::vector<database::RowChange>& rows) {
    auto shown = rows;
    for (auto& row : shown) {
        if (!write)
            break;
        symbolise_made(*write, row);
        for (const auto& change : write->changes)
            if (row.asked && same_row(change, row))
                symbolise(change, row);
    }
    const auto listed = database::to_value({ .rows = std::move(shown) });
    return Value::Map{ { "phase", step.phase },
                       { "name", step.primitive.name },
                       { "component", step.component },
                       { "arguments", step.arguments },
                       { "rows", listed.at("rows") } };
}

std::string sources_hash(const Value& sources) { return to_hex(crypto::sha256(encode(sources))); }

Value sources_value(const journal::Sources& sources) {
    Value::Map modules;
    for (const auto& [module, text] : sources)
        modules.emplace(module, text);
    return modules;
}

std::string plan_hash(const journal::PlanRecord& plan) {
    const Value all = Value::Map{ { "effects", plan.effects },
                                  { "parameters", plan.parameters },
                                  { "runbook", plan.runbook },
                                  { "sources", plan.sources },
                                  { "version", plan.version } };
    return to_hex(crypto::sha256(encode(all)));
}

bool agrees(const Value& planned, const Value& actual) {
    if (planned.symbol())
        return true;
    if (const auto* items = planned.list()) {
        const auto* others = actual.list();
        if (!others || others->size() != items->size())
            return false;
        for (std::size_t i = 0; i < items->size(); ++i)
            if (!agrees((*items)[i], (*others)[i]))
                return false;
        return true;
    }
    if (const auto* members = planned.map()) {
        const auto* others = actual.map();
        if (!others || others->size() != members->size())
            return false;
        for (const auto& [key, value] : *members)
            if (const auto found = others->find(key);
                found == others->end() || !agrees(value, found->second))
                return false;
        return true;
    }
    return planned == actual;
}

namespace {

using Cells = std::map<std::string, Value>;

// A row of a database goes by its table and key, anything else in a list by its number.
std::string name_in_list(const Value& item, std::size_t position) {
    if (const auto* table = item.at("table").text())
        return fmt::format("{}{}", *table, to_text(item.at("key")));
    return fmt::format("{}", position + 1);
}

void collect(const Value& value, const std::string& path, Cells& cells) {
    if (const auto* items = value.list()) {
        for (std::size_t i = 0; i < items->size(); ++i)
            collect((*items)[i], path + " " + name_in_list((*items)[i], i), cells);
    } else if (const auto* members = value.map()) {
        for (const auto& [key, member] : *members)
            collect(member, path + " " + key, cells);
    } else {
        cells.emplace(path, value);
    }
}

std::string shown_as(const Cells& cells, const std::string& path) {
    const auto found = cells.find(path);
    return found == cells.end() ? "nothing" : to_text(found->second);
}

// What stands at one place in both, where it differs.
void compare(const std::string& name, const Value& planned, const Value& actual,
             std::vector<std::string>& lines) {
    Cells before, after;
    collect(planned, name, before);
    collect(actual, name, after);
    std::set<std::string> paths;
    for (const auto* cells : { &before, &after })
        for (const auto& [path, value] : *cells)
            paths.insert(path);
    for (const auto& path : paths) {
        const auto shown = before.find(path);
        const auto found = after.find(path);
        if (shown == before.end() || found == after.end() || !agrees(shown->second, found->second))
            lines.push_back(fmt::format("{}: {} was shown, now {}", path, shown_as(before, path),
                                        shown_as(after, path)));
    }
}

} // namespace

std::vector<std::string> differences(const Value& planned, const Value& actual) {
    static const Value nothing;
    std::vector<std::string> lines;
    const auto* before = planned.list();
    const auto* after = actual.list();
    for (std::size_t i = 0; before && after && i < std::max(before->size(), after->size()); ++i) {
        const auto& shown = i < before->size() ? (*before)[i] : nothing;
        const auto& found = i < after->size() ? (*after)[i] : nothing;
        if (shown.is_null())
            lines.push_back(
                fmt::format("new: {} in {}", found.text_at("name"), found.text_at("phase")));
        else if (found.is_null())
            lines.push_back(
                fmt::format("gone: {} in {}", shown.text_at("name"), shown.text_at("phase")));
        else if (!agrees(shown, found))
            compare(shown.text_at("name"), shown, found, lines);
    }
    return lines;
}

} // namespace respawn::run
