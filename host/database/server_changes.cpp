#include "database/server_changes.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <tuple>

namespace respawn::database {

namespace {

// A write is for a person to read before it is done.
constexpr std::size_t most_rows = 20'000;

bool is_number(std::string_view text) {
    std::size_t digits = 0, points = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool sign = i == 0 && (text[i] == '-' || text[i] == '+');
        digits += text[i] >= '0' && text[i] <= '9' ? 1 : 0;
        points += text[i] == '.' ? 1 : 0;
        if (!sign && text[i] != '.' && (text[i] < '0' || text[i] > '9'))
            return false;
    }
    return digits > 0 && points <= 1;
}

Error wrong_type(const Table& table, const std::string& column, const Value& value) {
    return Error{ .kind = Kind::script,
                  .why =
                      fmt::format("{}.{} is {}, and cannot be {}", printable(table.name),
                                  printable(column), printable(table.types.at(column)), to_text(value)),
                  .fix = "give a value of the column's type" };
}

Value moment_as(Form form, Moment moment, int fraction) {
    auto text = to_rfc3339(moment, true); // 2026-11-21T10:34:05Z
    text[10] = ' ';
    text.pop_back();
    if (fraction > 0)
        text += "." + fmt::format("{:06}", moment.microseconds % 1'000'000)
                          .substr(0, static_cast<std::size_t>(std::min(fraction, 6)));
    switch (form) {
    case Form::day:
        return text.substr(0, 10);
    case Form::clock:
        return text.substr(11);
    case Form::moment:
        return text;
    case Form::whole:
    case Form::exact:
    case Form::real:
        return moment.microseconds / 1'000'000;
    default:
        return to_rfc3339(moment, true);
    }
}

// Servers turn "5 apples" into 5 and 'ada' into 0 without a word: a key must not find a row that way.
bool suits(Form form, const Value& value) {
    switch (form) {
    case Form::whole:
    case Form::bits:
        return value.integer() || value.boolean() ||
               (value.text() && is_number(*value.text()) &&
                value.text()->find('.') == std::string::npos);
    case Form::exact:
    case Form::real: // PostgreSQL's have these three as well
        return value.integer() || value.real() || (value.text() && is_number(*value.text())) ||
               value == Value("NaN") || value == Value("Infinity") || value == Value("-Infinity");
    case Form::truth:
        return value.boolean() || value == Value(0) || value == Value(1);
    case Form::bytes:
        return value.blob() || value.text();
    default:
        return value.text() || value.integer();
    }
}

// A time that the server's clock gave a moment ago.
bool is_about(const Value& value, Moment clock) {
    if (!value.text() || value.text()->size() < 19)
        return false;
    auto text = value.text()->substr(0, 19) + "Z";
    text[10] = 'T';
    const auto moment = from_rfc3339(text);
    return moment.ok() && std::chrono::abs(moment.value() - clock) < std::chrono::minutes(1);
}

} // namespace

Result<Value> ServerChanges::fit(const Table& table, const std::string& column, const Value& value) {
    const auto& server_table = static_cast<const ServerTable&>(table);
    const auto form = server_table.forms.at(column);
    if (const auto* symbol = value.symbol()) {
        if (symbol->name != "now")
            return unknown_symbol(table, column, *symbol);
        const auto fraction = server_table.fractions.find(column);
        return moment_as(form, moment_,
                         fraction == server_table.fractions.end() ? 0 : fraction->second);
    }
    if (value.is_null())
        return value;
    if (!suits(form, value))
        return wrong_type(table, column, value);
    if (form == Form::whole && value.boolean())
        return Value(*value.boolean() ? 1 : 0);
    if (form == Form::whole && value.text()) {
        std::int64_t number = 0;
        const auto digits =
            std::string_view(*value.text()).substr(value.text()->starts_with('+') ? 1 : 0);
        const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        return fault == std::errc() && end == digits.data() + digits.size() ? Value(number) : value;
    }
    if (form == Form::truth && value.integer())
        return Value(*value.integer() == 1);
    if (form == Form::text && value.integer())
        return Value(std::to_string(*value.integer()));
    if (form == Form::bytes && value.text())
        return Value(Blob{ *value.text() });
    return value;
}

Result<const ServerTable*> ServerChanges::known(const std::string& name) {
    const auto found = tables_.find(name);
    if (found != tables_.end())
        return &found->second;
    return &tables_.emplace(name, TRY(read_table(name))).first->second;
}

Value::Map ServerChanges::stored(const ServerTable& table, const Value::Map& row) {
    Value::Map kept;
    for (const auto& column : table.stored_columns)
        if (const auto found = row.find(column); found != row.end())
            kept.insert(*found);
    return kept;
}

Value::Map ServerChanges::key_of(const ServerTable& table, const Value::Map& row,
                                 const Value::Map& set) {
    Value::Map key;
    for (const auto& column : table.key_columns) {
        const auto changed = set.find(column);
        key.emplace(column, changed == set.end() ? row.at(column) : changed->second);
    }
    return key;
}

std::string ServerChanges::name_of(const ServerTable& table, const Value::Map& key) {
    return table.name + '\0' + encode(key);
}

bool ServerChanges::was_seen(const ServerTable& table, const Value::Map& key) const {
    return places_.contains(name_of(table, key));
}

std::int64_t ServerChanges::asked_changes(const ServerTable& table, ChangeKind kind) const {
    const auto found = asked_.find({ table.name, kind });
    return found == asked_.end() ? 0 : found->second;
}

Result<void> ServerChanges::saw(const ServerTable& table, Value::Map key, Value::Map before, bool asked,
                                std::optional<Value::Map> after) {
    if (seen_.size() >= most_rows)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("it would change more than {}", counted(most_rows, "row")),
                      .fix = "split the write" };
    const auto [place, fresh] = places_.emplace(name_of(table, key), seen_.size());
    if (!fresh) {
        auto& first = seen_[place->second].change;
        first.asked = first.asked || asked;
        return {};
    }
    Seen seen{ .table = &table,
               .change = { table.name, key, std::move(before), {}, asked },
               .key_after = std::move(key),
               .is_read = after.has_value() };
    if (after)
        seen.change.after = std::move(*after);
    seen_.push_back(std::move(seen));
    return {};
}

// A row without a key is found again by what it was named by.
Result<void> ServerChanges::will_change(const Table& any, const Change& change, const Value::Map& row,
                                        const Value::Map& set) {
    const auto& table = static_cast<const ServerTable&>(any);
    ++asked_[{ table.name, change.kind }];
    const bool removed = change.kind == ChangeKind::remove;
    if (table.key_columns.empty()) {
        Value::Map key;
        for (const auto& [column, value] : change.key)
            key.emplace(column, row.at(column));
        TRY(saw(table, key, stored(table, row), true));
        auto& seen = seen_[places_.at(name_of(table, key))];
        for (auto& [column, value] : seen.key_after)
            if (const auto changed = set.find(column); changed != set.end())
                value = changed->second;
    } else {
        const auto key = key_of(table, row, {}), key_after = key_of(table, row, set);
        TRY(saw(table, key, stored(table, row), true));
        if (key != key_after)
            TRY(saw(table, key_after, {}, true));
    }
    return expect_effects(table, row, removed ? nullptr : &set);
}

Result<void> ServerChanges::insert(const Table& any, const std::string& sql,
                                   const std::vector<Value>& parameters) {
    const auto& table = static_cast<const ServerTable&>(any);
    ++asked_[{ table.name, ChangeKind::insert }];
    const auto row = stored(table, TRY(insert_row(table, sql, parameters)));
    if (table.key_columns.empty())
        return saw(table, row, {}, true, row);
    return saw(table, key_of(table, row, {}), {}, true);
}

Result<Value::Map> ServerChanges::insert_row(const ServerTable& table, const std::string& sql,
                                             const std::vector<Value>& parameters) {
    auto rows = TRY(
        session_.rows(sql + " returning " + column_list(session_, table.stored_columns), parameters));
    if (rows.size() == 1)
        return std::move(rows[0]);
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("the database inserted nothing into table {} without an error",
                                     printable(table.name)),
                  .fix = "a trigger of the game prevents the change" };
}

// Two writes that lock the same rows do it in the same order, whatever order they change them in. What
// is wrong with a change is said when its turn comes.
Result<void> ServerChanges::lock_rows(const Write& write) {
    std::vector<const Change*> changes;
    for (const auto& change : write.changes)
        if (change.kind != ChangeKind::insert && !change.key.empty())
            changes.push_back(&change);
    std::ranges::sort(changes, {}, [](const Change* change) {
        return std::pair(change->table, encode(change->key));
    });
    for (const auto* change : changes) {
        const auto table = known(change->table);
        if (!table.ok() || !must_know(*table.value(), change->key).ok())
            continue;
        const auto row = current_row(*this, *table.value(), *change);
        if (!row.ok() && row.error().kind != Kind::moved && row.error().kind != Kind::script)
            return row.error();
    }
    return {};
}

Result<void> ServerChanges::read_after(Seen& seen) {
    if (seen.is_read)
        return {};
    std::vector<Value> parameters;
    const auto condition = where(session_, seen.key_after, parameters);
    auto rows = TRY(session_.rows("select " + column_list(session_, seen.table->stored_columns) +
                                      " from " + session_.quoted(seen.table->name) + condition +
                                      " limit 1" + std::string(lock()),
                                  parameters));
    if (!rows.empty())
        seen.change.after = std::move(rows[0]);
    return {};
}

// What was given is not taken out here: whoever knows what was given can tell.
std::vector<std::string> ServerChanges::made_by_server(const Seen& seen, Moment clock) {
    const auto& [before, after] = std::tie(seen.change.before, seen.change.after);
    std::vector<std::string> made;
    if (after.empty())
        return made;
    if (before.empty())
        made = seen.table->made;
    for (const auto& [column, value] : after) {
        const auto old = before.find(column);
        const bool changed = old == before.end() || !(old->second == value);
        if (changed && seen.table->forms.at(column) == Form::moment && is_about(value, clock) &&
            std::ranges::find(made, column) == made.end())
            made.push_back(column);
    }
    return made;
}

Result<Written> ServerChanges::apply(const Write& write) {
    TRY(prepare(write));
    TRY(lock_rows(write));
    TRY(apply_changes(*this, write));
    TRY(find_unasked());
    const auto clock_text = TRY(session_.value(clock_query()));
    const auto clock = TRY(from_rfc3339(clock_text.text() ? *clock_text.text() : ""));
    Written written;
    for (auto& seen : seen_) {
        TRY(read_after(seen));
        seen.change.made = made_by_server(seen, clock);
        if (seen.change.before != seen.change.after)
            written.rows.push_back(std::move(seen.change));
    }
    return written;
}

} // namespace respawn::database
