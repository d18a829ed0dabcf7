#include "testkit/trace.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "database/sqlite_connection.h"
#include "run/game.h"

#include <fmt/format.h>
#include <set>

namespace respawn::testkit {

namespace {

using database::SqliteConnection;

std::string digest_of(std::string_view bytes) { return to_hex(crypto::sha256(bytes)); }

Result<void> add_tables(const World& world, Value::Map& trace) {
    auto connection =
        TRY(SqliteConnection::open(world.database(), SqliteConnection::Access::read_only));
    const auto schema =
        TRY(connection.rows("select type, name, tbl_name, sql from sqlite_schema order by name"));
    trace.insert_or_assign("schema",
                           digest_of(to_text(Value(Value::List(schema.begin(), schema.end())))));
    for (const auto& entry : schema) {
        if (entry.at("type") != Value("table"))
            continue;
        const auto name = to_text(entry.at("name"));
        crypto::Hash rows;
        TRY(connection.query("select * from " + database::quoted_name(*entry.at("name").text()), {},
                             [&](const auto&, std::vector<Value> row) -> Result<void> {
                                 rows.add(encode(Value(Value::List(row.begin(), row.end()))));
                                 return {};
                             }));
        trace.insert_or_assign("table " + name, to_hex(rows.finish()));
    }
    return {};
}

// The names below a folder, with what is in them.
Result<void> add_files(const io::Path& folder, const std::string& what, Value::Map& trace) {
    std::error_code fault;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, fault))
        if (entry.is_regular_file(fault) && !entry.path().filename().string().starts_with("game.db"))
            trace.insert_or_assign(what + " " + entry.path().lexically_relative(folder).string(),
                                   digest_of(TRY(io::read_file(entry.path()))));
    return {};
}

} // namespace

Result<Value> trace_of(const World& world) {
    Value::Map trace;
    if (const auto read = add_tables(world, trace); !read.ok()) {
        trace.clear();
        trace.emplace("database", digest_of(TRY(io::read_file(world.database()))));
    }
    TRY(add_files(world.folder() / "game", "file", trace));
    TRY(add_files(world.folder() / "vault" / "snapshots", "backup", trace));
    trace.emplace("messages", to_text(TRY(world.messages())));
    run::Game game(world.config());
    trace.emplace("runs", static_cast<std::int64_t>(TRY(TRY(game.journal())->runs(1000)).size()));
    return Value(std::move(trace));
}

Result<void> must_be_untouched(const World& world, const Value& before, std::string_view by) {
    const auto after = TRY(trace_of(world));
    std::set<std::string> names, changed;
    for (const auto* trace : { before.map(), after.map() })
        for (const auto& [name, value] : *trace)
            names.insert(name);
    for (const auto& name : names)
        if (before.at(name) != after.at(name))
            changed.insert(name);
    if (changed.empty())
        return {};
    return Error{ .kind = Kind::failed_check,
                  .why = fmt::format("{} changed the world: {}", by,
                                     join({ changed.begin(), changed.end() }, ", ")) };
}

} // namespace respawn::testkit
