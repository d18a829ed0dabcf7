#include "testkit/world.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "database/sqlite_connection.h"
#include "run/backup.h"
#include "testkit/fake_chain.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::testkit {

using database::SqliteConnection;

namespace {

Result<void> insert(SqliteConnection& connection, const std::string& table, const Value& row) {
    if (!row.map() || row.map()->empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("a row of {} is no table of columns", printable(table)) };
    std::vector<std::string> columns, places;
    std::vector<Value> values;
    for (const auto& [column, value] : *row.map()) {
        columns.push_back(database::quoted_name(column));
        places.push_back("?");
        values.push_back(value);
    }
    return connection
        .run(fmt::format("insert into {} ({}) values ({})", database::quoted_name(table),
                         join(columns, ", "), join(places, ", ")),
             values)
        .while_doing("put a row into the world", table);
}

Result<void> insert_all(SqliteConnection& connection, const Value& rows) {
    if (!rows.map())
        return {};
    for (const auto& [table, list] : *rows.map()) {
        if (list.map() && list.map()->empty())
            continue; // {} of Lua is either
        if (!list.list())
            return Error{ .kind = Kind::script,
                          .why = fmt::format("the rows of {} are no list", printable(table)) };
        for (const auto& row : *list.list())
            TRY(insert(connection, table, row));
    }
    return {};
}

Result<void> must_refer_to_rows(SqliteConnection& connection) {
    const auto broken = TRY(connection.rows("pragma foreign_key_check"));
    if (broken.empty())
        return {};
    return Error{ .kind = Kind::script,
                  .why = fmt::format("the world's rows refer to rows that are not there: {}",
                                     to_text(broken.front())) };
}

// Overwrites the beginning of each of these pages, counted from 1.
Result<void> spoil_pages(const io::Path& path, std::int64_t first, std::int64_t last) {
    constexpr std::int64_t page = 4096;
    const std::string garbage(page / 8, '\xa5');
    const io::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.open())
        return io::system_error("damage", path, errno);
    const auto pages = ::lseek(file.number(), 0, SEEK_END) / page;
    for (auto number = first; number <= std::min(last, pages); ++number)
        if (::pwrite(file.number(), garbage.data(), garbage.size(), (number - 1) * page) < 0)
            return io::system_error("damage", path, errno);
    return {};
}

} // namespace

Result<std::unique_ptr<World>> World::make(const io::Path& place, const std::string& schema,
                                           const Value& rows, const Value& files) {
    auto folder = TRY(io::TemporaryFolder::make(place));
    std::unique_ptr<World> world(new World(std::move(folder)));
    TRY(world->configure(files));
    TRY(world->fill(schema, rows));
    return world;
}

Result<void> World::keep_runs_at(const config::JournalSettings& server) {
    journal_ = TRY(JournalDatabase::make(server));
    config_.journal = journal_->settings();
    return {};
}

Result<void> World::configure(const Value& files) {
    config_.file = folder() / "respawn.yaml";
    config_.game = "world";
    config_.environment = "test";
    config_.state = folder() / "state";
    config_.scratch = config_.state;
    config_.key_file = folder() / "key";
    config_.locations = { { .name = "local", .url = "file://" + (folder() / "vault").string() } };
    config_.components = { { .name = "database", .kind = "sqlite", .path = database() } };
    config_.alerts = { { .name = "alerts", .kind = "file", .path = folder() / "messages.jsonl" } };
    TRY(crypto::make_key_file(config_.key_file));
    TRY(io::make_folder(folder() / "game"));
    if (!files.map() || files.map()->empty())
        return {};
    config_.components.push_back(
        { .name = "files", .kind = "files", .paths = { folder() / "game/files" } });
    TRY(io::make_folder(folder() / "game/files"));
    for (const auto& [name, text] : *files.map()) {
        if (!text.text() || name.find('/') != std::string::npos || name.starts_with("."))
            return Error{ .kind = Kind::script,
                          .why =
                              fmt::format("'{}' is no plain file name with a text", printable(name)) };
        TRY(io::create_durably(folder() / "game/files" / name, *text.text()));
    }
    return {};
}

Result<void> World::fill(const std::string& schema, const Value& rows) const {
    auto connection = TRY(SqliteConnection::open(database(), SqliteConnection::Access::create));
    TRY(connection.run_script("pragma synchronous = off; pragma foreign_keys = off;"));
    return connection.transaction([&]() -> Result<void> {
        TRY(connection.run_script(schema).while_doing("make the world", "its schema"));
        TRY(insert_all(connection, rows));
        return must_refer_to_rows(connection);
    });
}

Result<Value> World::query(const std::string& sql, const Value::List& parameters) const {
    auto connection = TRY(SqliteConnection::open(database(), SqliteConnection::Access::read_only));
    Value::List rows;
    for (auto& row : TRY(connection.rows(sql, parameters)))
        rows.push_back(std::move(row));
    return Value(std::move(rows));
}

Result<void> World::execute(const std::string& sql, const Value::List& parameters) const {
    auto connection = TRY(SqliteConnection::open(database(), SqliteConnection::Access::read_write));
    TRY(connection.run_script("pragma foreign_keys = on;"));
    return connection.run(sql, parameters);
}

Result<Value> World::back_up() const {
    const Cancellation never;
    run::Game game(config_);
    const auto snapshot = TRY(run::back_up(game, {}, never, {}));
    if (!snapshot.good())
        return Error{ .kind = Kind::failed_check,
                      .why = "the backup of the world is not whole: " +
                             snapshot.components.front().error };
    return Value(snapshot.id);
}

Result<void> World::corrupt_database(const std::string& name) const {
    if (name.empty())
        return spoil_pages(database(), 2,
                           INT64_MAX); // the first stays: it is still taken for a database
    const auto found = TRY(query("select rootpage from sqlite_schema where name = ?", { name }));
    if (found.list()->empty())
        return Error{ .kind = Kind::script,
                      .why = fmt::format("the world has no table and no index {}", printable(name)) };
    const auto page = found.list()->front().integer_at("rootpage");
    return spoil_pages(database(), page, page);
}

Result<void> World::truncate_database() const {
    std::error_code fault;
    const auto size = std::filesystem::file_size(database(), fault);
    if (!fault)
        std::filesystem::resize_file(database(), size * 2 / 5, fault);
    if (fault)
        return io::system_error("cut off", database(), fault.value());
    return {};
}

Result<Value> World::messages() const {
    const auto path = config_.alerts.front().path;
    Value::List sent;
    if (!io::is_there(path))
        return Value(std::move(sent));
    const auto text = TRY(io::read_file(path));
    for (const auto line : split(text, '\n'))
        if (!line.empty())
            sent.push_back(TRY(from_json(line)));
    return Value(std::move(sent));
}

Value World::file_names() const {
    std::vector<std::string> names;
    std::error_code fault;
    for (const auto& entry : std::filesystem::directory_iterator(folder() / "game", fault))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return Value::List(names.begin(), names.end());
}

Result<void> World::set_chain(const Value::List& endpoints) {
    chains_.clear();
    config::ChainSettings settings{ .name = "base",
                                    .chain_id = 8453,
                                    .confirmations = 12,
                                    .addresses = {
                                        { "hot_wallet", address_named("hot_wallet") },
                                        { "galleon_token", address_named("galleon_token") } } };
    for (const auto& script : endpoints) {
        chains_.push_back(TRY(ChainProcess::start(script)));
        settings.urls.emplace_back("the fake chain", chains_.back().url());
    }
    config_.chains = { std::move(settings) };
    return {};
}

std::string hash_named(const std::string& name) {
    return name.empty() || name.starts_with("0x") ? name : fake_hash(name);
}

std::string address_named(const std::string& name) {
    return name.empty() || name.starts_with("0x") ? name : fake_address(name);
}

} // namespace respawn::testkit
