#include "component/mariadb_load.h"

#include "base/text.h"
#include "component/charset.h"
#include "component/mariadb_keys.h"
#include "component/mariadb_rows.h"

#include <algorithm>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::uint64_t bytes_of_a_piece = 64 << 20;
constexpr unsigned not_allowed = 1227;
constexpr auto usual_settings = "set session time_zone = '+00:00', sql_mode = "
                                "'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION'";

std::size_t loading_connections() {
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 4);
}

// Below this a table's keys cost nothing that is worth another statement.
constexpr std::uint64_t bytes_for_later_keys = 8 << 20;

// A stretch of a table's rows: from a key to the next piece's.
struct Piece {
    const StoredTable* table = nullptr;
    std::string begin, end; // empty: from the first, to the last
};

// Several threads, each with a connection, take from a list until it is empty or one of them fails.
class Crew {
  public:
    using Task = std::function<Result<void>(MariadbTables& server, std::size_t which)>;
    Crew(const Loading& loading, std::size_t tasks, Task task)
        : loading_(loading), tasks_(tasks), task_(std::move(task)) {}

    Result<void> run() {
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < std::min(tasks_, loading_connections()); ++i)
                threads.emplace_back([this] { work(); });
        }
        return failed_ ? Result<void>(*failed_) : Result<void>();
    }

  private:
    void work() {
        auto login = loading_.login;
        login.database = loading_.into;
        auto server = MariadbTables::open(login, loading_.work.cancel);
        auto done = server.ok() ? Result<void>() : Result<void>(server.error());
        for (auto which = next(); done.ok() && which; which = next())
            done = task_(*server.value(), *which);
        if (done.ok())
            return;
        const std::scoped_lock lock(sharing_);
        if (!failed_)
            failed_ = std::move(done).error();
    }

    std::optional<std::size_t> next() {
        const std::scoped_lock lock(sharing_);
        return failed_ || next_ == tasks_ ? std::nullopt : std::optional(next_++);
    }

    const Loading& loading_;
    const std::size_t tasks_;
    const Task task_;
    std::mutex sharing_;
    std::size_t next_ = 0;
    std::optional<Error> failed_;
};

class PieceRows {
  public:
    static Result<PieceRows> begin(const Piece& piece) {
        return PieceRows(piece, TRY(piece.table->rows.rows_from(piece.begin)));
    }
    Result<std::optional<std::span<const Cell>>> next() {
        if (!TRY(rows_.next()) || (!piece_->end.empty() && rows_.key() >= piece_->end))
            return std::nullopt;
        TRY(cells_of(rows_.row(), piece_->table->definition.columns.size(), cells_));
        ++given_;
        return std::optional(std::span<const Cell>(cells_));
    }
    std::uint64_t given() const { return given_; }

  private:
    PieceRows(const Piece& piece, RowCursor rows) : piece_(&piece), rows_(std::move(rows)) {}
    const Piece* piece_;
    RowCursor rows_;
    std::vector<Cell> cells_;
    std::uint64_t given_ = 0;
};

Result<void> load_piece(MariadbTables& server, const Piece& piece) {
    auto rows = TRY(PieceRows::begin(piece));
    const auto taken =
        TRY(server.insert(piece.table->definition.insert(), [&] { return rows.next(); }));
    if (taken == rows.given())
        return {};
    return Error{ .kind = Kind::failed_check,
                  .why = fmt::format("the server took {} of {}", taken, counted(rows.given(), "row")) };
}

Result<std::vector<StoredTable>> all_tables(const MariadbTree& tree) {
    std::vector<StoredTable> tables;
    for (const auto& name : tree.tables())
        tables.push_back(TRY(tree.table(name)));
    std::ranges::sort(tables, std::greater{}, [](const StoredTable& one) { return one.rows.bytes(); });
    return tables;
}

Result<std::vector<Piece>> pieces_of(const std::vector<StoredTable>& tables) {
    std::vector<Piece> pieces;
    for (const auto& table : tables) {
        if (table.rows.rows() == 0)
            continue;
        const auto count = table.rows.keyed() ? table.rows.bytes() / bytes_of_a_piece + 1 : 1;
        std::string begin;
        for (const auto& end :
             count > 1 ? TRY(table.rows.parting_keys(count)) : std::vector<std::string>())
            pieces.push_back({ &table, std::exchange(begin, end), end });
        pieces.push_back({ &table, begin, "" });
    }
    return pieces;
}

Result<void> make_sequence(MariadbTables& server, const ServerObject& object) {
    TRY(server.run(object.create));
    return object.value.empty()
               ? Result<void>()
               : server.run(fmt::format("do setval({}, {}, 0)", MariadbTables::quoted(object.name),
                                        object.value));
}

// Tables that others' foreign keys stand on keep theirs: they may stand on any of them.
std::vector<LaterKeys> all_later_keys(const std::vector<StoredTable>& tables) {
    std::vector<LaterKeys> keys;
    for (const auto& table : tables) {
        const auto reference = " REFERENCES " + MariadbTables::quoted(table.definition.name) + " (";
        const bool referenced = std::ranges::any_of(tables, [&](const StoredTable& other) {
            return other.definition.create.find(reference) != std::string::npos;
        });
        const bool large = table.rows.bytes() >= bytes_for_later_keys;
        keys.push_back(large && !referenced ? later_keys(table.definition) : LaterKeys());
    }
    return keys;
}

constexpr std::string_view counting_up[] = { "nextval", "lastval" };

// The database whose sequences columns count up.
const std::string& database_of_sequences(const Loading& loading) {
    return loading.own_sequences || loading.login.database.empty() ? loading.into
                                                                   : loading.login.database;
}

// The statement for the database that is made.
std::string create_here(const Loading& loading, std::string create) {
    const auto there = MariadbTables::quoted(loading.tree.schema().database);
    const auto here = MariadbTables::quoted(database_of_sequences(loading));
    for (const auto word : counting_up) {
        const auto from = fmt::format("{}({}.", word, there);
        const auto to = fmt::format("{}({}.", word, here);
        for (auto at = create.find(from); at != create.npos; at = create.find(from, at + to.size()))
            create.replace(at, from.size(), to);
    }
    return create;
}

// They change places with those that are restored, like all that the database has.
Result<void> make_lacking_sequences(const Loading& loading, MariadbTables& server,
                                    const std::vector<StoredTable>& tables) {
    const auto& schema = loading.tree.schema();
    const auto database = MariadbTables::quoted(database_of_sequences(loading));
    const bool counts = std::ranges::any_of(tables, [&](const StoredTable& table) {
        return table.definition.create.find("(" + MariadbTables::quoted(schema.database) + ".") !=
               std::string::npos;
    });
    if (!counts || database_of_sequences(loading) == loading.into)
        return {};
    TRY(server.run(fmt::format("create database if not exists {} character set {} collate {}", database,
                               schema.charset, schema.collation)));
    for (const auto& object : schema.objects)
        if (object.kind == "sequence")
            TRY(server.run(fmt::format("create sequence if not exists {}.{}", database,
                                       MariadbTables::quoted(object.name))));
    return {};
}

Result<void> make_table(const Loading& loading, MariadbTables& server, const ServerTable& table,
                        const LaterKeys& later) {
    TRY(server.run(create_here(loading, table.create)));
    return later.empty() ? Result<void>() : server.run(later.drop(table.name));
}

Result<void> make_tables(const Loading& loading, const std::vector<StoredTable>& tables,
                         const std::vector<LaterKeys>& later) {
    auto login = loading.login;
    login.database.clear();
    const auto server = TRY(MariadbTables::open(login, loading.work.cancel));
    const auto& schema = loading.tree.schema();
    TRY(server->run(fmt::format("create database {} character set {} collate {}",
                                MariadbTables::quoted(loading.into), schema.charset,
                                schema.collation)));
    TRY(server->run("use " + MariadbTables::quoted(loading.into)));
    for (const auto& object : schema.objects)
        if (object.kind == "sequence")
            TRY(make_sequence(*server, object)
                    .while_doing("make the sequence", printable(object.name)));
    TRY(make_lacking_sequences(loading, *server, tables));
    for (std::size_t i = 0; i < tables.size(); ++i)
        TRY(make_table(loading, *server, tables[i].definition, later[i])
                .while_doing("make the table", printable(tables[i].definition.name)));
    return {};
}

Result<void> add_keys(const Loading& loading, const std::vector<StoredTable>& tables,
                      const std::vector<LaterKeys>& later) {
    return Crew(loading, tables.size(),
                [&](MariadbTables& server, std::size_t which) -> Result<void> {
                    const auto& name = tables[which].definition.name;
                    return later[which].empty() ? Result<void>()
                                                : server.run(later[which].add(name))
                                                      .while_doing("make the keys of", printable(name));
                })
        .run();
}

struct ForeignKey {
    std::string name, table, parent_database, parent;
    std::vector<std::string> columns, parent_columns;
};

// Those to tables that are there: a backup of some tables may lack them.
Result<std::vector<ForeignKey>> foreign_keys(MariadbTables& server) {
    std::vector<ForeignKey> keys;
    for (const auto& row : TRY(server.rows(
             "select constraint_name, table_name, referenced_table_schema, referenced_table_name, "
             "column_name, referenced_column_name from information_schema.key_column_usage k where "
             "table_schema = database() and exists (select 1 from information_schema.tables t where "
             "t.table_schema = k.referenced_table_schema and t.table_name = "
             "k.referenced_table_name) order by table_name, "
             "constraint_name, ordinal_position"))) {
        const auto cell = [&](std::size_t i) { return row[i].value_or(""); };
        if (keys.empty() || keys.back().name != cell(0) || keys.back().table != cell(1))
            keys.push_back({ cell(0), cell(1), cell(2), cell(3), {}, {} });
        keys.back().columns.push_back(cell(4));
        keys.back().parent_columns.push_back(cell(5));
    }
    return keys;
}

// Rows that name a row that is not there.
Result<void> note_orphans(MariadbTables& server, const ForeignKey& key, Notes& notes) {
    std::vector<std::string> same, named;
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
        same.push_back(fmt::format("c.{} = p.{}", MariadbTables::quoted(key.columns[i]),
                                   MariadbTables::quoted(key.parent_columns[i])));
        named.push_back(fmt::format("c.{} is not null", MariadbTables::quoted(key.columns[i])));
    }
    const auto orphans = TRY(server.value(fmt::format(
        "select count(*) from {} c where {} and not exists (select 1 from {}.{} p where {})",
        MariadbTables::quoted(key.table), join(named, " and "),
        MariadbTables::quoted(key.parent_database), MariadbTables::quoted(key.parent),
        join(same, " and "))));
    if (orphans && *orphans != "0")
        notes.add(
            fmt::format("foreign key {} of {}: {} name rows of {} that are not there, as in the backup",
                        printable(key.name), printable(key.table),
                        counted(std::stoull(*orphans), "row"), printable(key.parent)));
    return {};
}

Result<void> look_at_tables(const Loading& loading, const std::vector<StoredTable>& tables,
                            Notes& notes) {
    auto login = loading.login;
    login.database = loading.into;
    const auto server = TRY(MariadbTables::open(login, loading.work.cancel));
    for (const auto& found : TRY(read_tables(*server)))
        if (std::ranges::none_of(tables, [&](const StoredTable& table) {
                return table.definition.name == found.name &&
                       create_here(loading, table.definition.create) == found.create;
            }))
            notes.add(fmt::format(
                "the server makes table {} otherwise than it was: compare SHOW CREATE TABLE",
                printable(found.name)));
    for (const auto& key : TRY(foreign_keys(*server)))
        TRY(note_orphans(*server, key, notes));
    return {};
}

// Every row is read again from the server.
Result<Value> prove(const Loading& loading, const std::vector<StoredTable>& tables) {
    const RowHasher hasher(loading.from);
    std::vector<RowSum> found(tables.size());
    TRY(Crew(loading, tables.size(), [&](MariadbTables& server, std::size_t which) -> Result<void> {
            found[which] = TRY(sum_of_table(server, tables[which].definition, hasher));
            return {};
        }).run());
    Value::Map sums;
    std::vector<std::string> other;
    for (std::size_t i = 0; i < tables.size(); ++i) {
        const auto& name = tables[i].definition.name;
        sums[name] = found[i].value();
        if (!(found[i] == tables[i].rows.sum()))
            other.push_back(fmt::format("{} ({} instead of {})", printable(name),
                                        counted(found[i].rows, "row"), tables[i].rows.rows()));
    }
    if (!other.empty())
        return Error{ .kind = Kind::failed_check,
                      .why = fmt::format("came back otherwise than they were: {}", join(other, ", ")),
                      .fix = "nothing was switched in; see the server's version and sql settings" };
    return Value(Value::Map{ { "tables", std::move(sums) } });
}

// Behind the `name` that begins there; a '`' in it is doubled.
std::size_t behind_name(const std::string& text, std::size_t at) {
    for (++at; at < text.size(); ++at) {
        if (text[at] != '`')
            continue;
        if (at + 1 == text.size() || text[at + 1] != '`')
            return at + 1;
        ++at;
    }
    return text.size();
}

Result<void> make_now(MariadbTables& server, const ServerObject& object, const std::string& create) {
    const auto set = [&](std::string_view name, const std::string& value) -> Result<void> {
        return value.empty() ? Result<void>()
                             : server.run(fmt::format("set session {} = {}", name,
                                                      MariadbTables::literal(value)));
    };
    TRY(set("character_set_client", object.client_charset));
    TRY(set("collation_connection", object.connection_collation));
    TRY(set("time_zone", object.time_zone));
    TRY(server.run("set session sql_mode = " + MariadbTables::literal(object.sql_mode)));
    auto made = server.run(in_charset_of_client(create, object.client_charset));
    TRY(server.run(usual_settings));
    TRY(server.run("set names utf8mb4"));
    return made;
}

} // namespace

std::string without_definer(const std::string& create) {
    const auto at = create.find("DEFINER=");
    if (at == std::string::npos || create[at + 8] != '`')
        return create;
    auto end = behind_name(create, at + 8);
    if (create.compare(end, 2, "@`") == 0)
        end = behind_name(create, end + 1);
    return create.substr(0, at) + create.substr(std::min(end + 1, create.size()));
}

Result<RowSum> sum_of_table(MariadbTables& server, const ServerTable& table, const RowHasher& hasher) {
    RowShaper shaper(table);
    RowSum sum;
    if (!table.keeps_rows())
        return sum;
    TRY(server.scan(
        fmt::format("select {} from {}", table.selected(), MariadbTables::quoted(table.name)),
        [&](std::span<const Cell> cells) -> Result<void> {
            TRY(shaper.take(cells));
            sum.add(hasher, shaper.key(), shaper.row());
            return {};
        }));
    return sum;
}

// The server knows the word PACKAGE in the mode alone that the package was made in.
Result<void> drop_object(MariadbTables& server, const ServerObject& object) {
    TRY(server.run("set session sql_mode = " + MariadbTables::literal(object.sql_mode)));
    auto dropped = server.run(
        fmt::format("drop {} if exists {}", object.kind, MariadbTables::quoted(object.name)));
    TRY(server.run(usual_settings));
    return dropped;
}

Result<void> make_object(MariadbTables& server, const ServerObject& object, Notes& notes) {
    TRY(drop_object(server, object));
    auto made = make_now(server, object, object.create);
    if (made.ok() || server.last_code() != not_allowed)
        return made;
    TRY(make_now(server, object, without_definer(object.create)));
    notes.add(fmt::format("{} {} now runs as {}: the login may not make it for its definer",
                          object.kind, printable(object.name), printable(server.login().user)));
    return {};
}

Result<void> make_objects(MariadbTables& server, const ServerSchema& schema, Notes& notes) {
    std::vector<const ServerObject*> waiting;
    for (const auto& object : schema.objects)
        if (object.kind != "sequence")
            waiting.push_back(&object);
    while (!waiting.empty()) {
        std::vector<const ServerObject*> left;
        std::optional<Error> error;
        for (const auto* object : waiting) {
            auto made = make_object(server, *object, notes);
            if (made.ok())
                continue;
            if (!server.is_open())
                return made;
            error = std::move(made)
                        .while_doing("make the " + object->kind, printable(object->name))
                        .error();
            left.push_back(object);
        }
        if (left.size() == waiting.size()) { // what it needs may be in another database
            for (const auto* object : left)
                notes.add(fmt::format("{} {} could not be made: {}", object->kind,
                                      printable(object->name), error->why));
            return {};
        }
        waiting = std::move(left);
    }
    return {};
}

Result<Value> load_tables(const Loading& loading, Notes& notes) {
    const auto tables = TRY(all_tables(loading.tree));
    const auto later = all_later_keys(tables);
    TRY(make_tables(loading, tables, later));
    const auto pieces = TRY(pieces_of(tables));
    std::uint64_t total = 0;
    for (const auto& table : tables)
        total += table.rows.bytes();
    std::mutex telling;
    std::uint64_t done = 0;
    TRY(Crew(loading, pieces.size(), [&](MariadbTables& server, std::size_t which) -> Result<void> {
            const auto& table = *pieces[which].table;
            TRY(load_piece(server, pieces[which])
                    .while_doing("load the table", printable(table.definition.name)));
            const std::scoped_lock lock(telling);
            done += std::min<std::uint64_t>(table.rows.bytes(), bytes_of_a_piece);
            if (loading.work.progress)
                loading.work.progress(std::min(done, total), total);
            return {};
        }).run());
    TRY(add_keys(loading, tables, later));
    TRY(look_at_tables(loading, tables, notes));
    return prove(loading, tables);
}

} // namespace respawn::component
