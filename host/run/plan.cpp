#include "run/plan.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>

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

} // namespace

Value planned_effect(const Step& step, const database::Write* write,
                     const std::vector<database::RowChange>& rows) {
    auto shown = rows;
    if (write)
        for (auto& row : shown)
            for (const auto& change : write->changes)
                if (row.asked && same_row(change, row))
                    symbolise(change, row);
    const auto listed = database::to_value({ .rows = std::move(shown) });
    return Value::Map{ { "phase", step.phase },
                       { "name", step.primitive.name },
                       { "component", step.component },
                       { "arguments", step.arguments },
                       { "rows", listed.at("rows") } };
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

std::vector<std::string> differences(const Value& planned, const Value& actual) {
    std::vector<std::string> lines;
    const auto* before = planned.list();
    const auto* after = actual.list();
    for (std::size_t i = 0; before && after && i < std::max(before->size(), after->size()); ++i) {
        const Value nothing;
        const auto& shown = i < before->size() ? (*before)[i] : nothing;
        const auto& found = i < after->size() ? (*after)[i] : nothing;
        if (agrees(shown, found))
            continue;
        lines.push_back(fmt::format("was shown:  {}", shown.is_null() ? "nothing" : to_text(shown)));
        lines.push_back(fmt::format("is now:     {}", found.is_null() ? "nothing" : to_text(found)));
    }
    return lines;
}

} // namespace respawn::run
