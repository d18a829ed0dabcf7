// A run that is killed at a boundary, its resumption that may be killed too, and all that is left.
#include "testkit/world_runs.h"

#include "base/text.h"
#include "database/sqlite_connection.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace respawn::testkit {

namespace {

using database::SqliteConnection;

// Worlds are made at different seconds, so moments are not compared: RFC 3339 within a text, and whole
// numbers within 500 days of now, the machine's or the test's.
std::string without_moments(std::string_view text) {
    constexpr std::size_t shortest = 20, longest = 27; // 2026-11-21T10:34:05Z, …:05.123456Z
    std::string masked;
    while (!text.empty()) {
        const bool begins_like_one = text.size() >= shortest && text[4] == '-' && text[10] == 'T';
        std::size_t size = begins_like_one ? std::min(longest, text.size()) : 0;
        while (size >= shortest && !from_rfc3339(text.substr(0, size)).ok())
            --size;
        const bool found = size >= shortest;
        masked += found ? "<moment>" : std::string(1, text.front());
        text.remove_prefix(found ? size : 1);
    }
    return masked;
}

bool is_near(std::int64_t seconds, Moment moment) {
    constexpr std::int64_t span = 500LL * 24 * 3600;
    const auto there = moment.microseconds / 1'000'000;
    return seconds > there - span && seconds < there + span;
}

Value masked(const Value& value, Moment present) {
    if (value.integer() && (is_near(*value.integer(), now()) || is_near(*value.integer(), present)))
        return "<moment>";
    return value.text() ? Value(without_moments(*value.text())) : value;
}

Result<Value> rows_of(SqliteConnection& connection, const std::string& table, Moment present) {
    std::vector<std::string> lines;
    for (auto row : TRY(connection.rows("select * from " + database::quoted_name(table)))) {
        for (auto& [column, value] : row)
            value = masked(value, present);
        lines.push_back(to_text(row));
    }
    std::sort(lines.begin(), lines.end());
    return Value(Value::List(lines.begin(), lines.end()));
}

Result<Value> tables_of(SqliteConnection& connection, Moment present) {
    Value::Map tables;
    for (const auto& row :
         TRY(connection.rows("select name from sqlite_schema where type = 'table' and name not like "
                             "'sqlite~_%' escape '~' and name not like 'respawn~_%' escape '~'"))) {
        const auto& name = *row.at("name").text();
        tables.emplace(name, TRY(rows_of(connection, name, present)));
    }
    return Value(std::move(tables));
}

Result<Value> business_keys(SqliteConnection& connection, Moment present) {
    if (TRY(connection.value("select 1 from sqlite_schema where name = 'respawn_business_keys'"))
            .is_null())
        return Value(Value::List{});
    return rows_of(connection, "respawn_business_keys", present);
}

// A message that came twice under one id counts once: its receiver drops the second.
Result<Value> texts_sent(const World& world) {
    std::map<std::string, std::string> by_id;
    const auto sent = TRY(world.messages());
    for (const auto& message : *sent.list())
        by_id.insert_or_assign(message.text_at("id"), without_moments(message.text_at("title") + ": " +
                                                                      message.text_at("text")));
    Value::List texts;
    for (const auto& [id, text] : by_id)
        texts.push_back(text);
    return Value(std::move(texts));
}

// The effects of the run that counts, from its journal, and how many of them may have happened.
Result<Value::Map> effects_of(run::Game& game) {
    Value::List effects;
    std::int64_t maybe = 0;
    const auto runs = TRY(TRY(game.journal())->runs(1));
    if (runs.empty())
        return Value::Map{ { "effects", effects }, { "maybe", maybe } };
    for (const auto& call : TRY(TRY(game.journal())->calls(runs.front().id))) {
        if (call.policy == journal::Policy::none)
            continue;
        maybe += call.state == journal::CallState::maybe ? 1 : 0;
        effects.push_back(fmt::format("{} {} {}", call.phase, call.name, call.component));
    }
    return Value::Map{ { "effects", effects },
                       { "maybe", maybe },
                       { "runs",
                         static_cast<std::int64_t>(TRY(TRY(game.journal())->runs(10)).size()) } };
}

Result<std::int64_t> snapshots_in(run::Game& game) {
    const auto vault = game.vault();
    if (!vault.ok() && vault.error().kind == Kind::missing)
        return 0;
    return static_cast<std::int64_t>(TRY(TRY(game.vault())->snapshots()).size());
}

// The game's rows and the business keys; where the run left a database that cannot be read, why.
Value::Map rows_left(const World& world, Moment present) {
    const auto read = [&]() -> Result<Value::Map> {
        auto connection = TRY(SqliteConnection::open(world.config().components.front().path,
                                                     SqliteConnection::Access::read_only));
        auto tables = TRY(tables_of(connection, present));
        auto keys = TRY(business_keys(connection, present));
        return Value::Map{ { "tables", std::move(tables) }, { "keys", std::move(keys) } };
    };
    auto rows = read();
    return rows.ok() ? std::move(rows).value() : Value::Map{ { "tables", rows.error().why } };
}

Result<Value> what_is_left(const World& world, Moment present, Value::Map told) {
    run::Game game(world.config());
    told.merge(TRY(effects_of(game)));
    told.insert_or_assign("snapshots", TRY(snapshots_in(game)));
    told.merge(rows_left(world, present));
    told.insert_or_assign("files", static_cast<std::int64_t>(world.file_names().list()->size()));
    told.insert_or_assign("messages", TRY(texts_sent(world)));
    return Value(std::move(told));
}

} // namespace

Result<Value> crash_and_resume(const World& world, const Stage& stage, const run::Request& request,
                               const CrashPlan& plan) {
    const auto first = TRY(attempt(world, stage, request, { .boundary = plan.at }));
    auto last = first;
    std::string boundary = first.boundary;
    if (first.killed && plan.again_at > 0) {
        last = TRY(attempt(world, stage, request, { .boundary = plan.again_at }));
        if (last.killed)
            boundary += ", and again " + last.boundary;
    }
    if (last.killed)
        last = TRY(attempt(world, stage, request, {}));
    Value::Map end{ { "killed", first.killed }, { "boundary", boundary } };
    for (const auto key : { "state", "error", "timeline", "runbook", "phases" })
        end.emplace(key, last.answer.at(key));
    return what_is_left(world, stage.present.value_or(now()), std::move(end));
}

} // namespace respawn::testkit
