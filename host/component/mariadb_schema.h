// What a MariaDB or MySQL database consists of besides its rows: read from the server, kept in the
// backup, and what rows are read and written with.
#pragma once

#include "base/value.h"
#include "database/mariadb_tables.h"

#include <string>
#include <vector>

namespace respawn::component {

struct ServerColumn {
    std::string name;
    std::string type;    // "int", "varchar": in lower case
    std::string charset; // of text; empty for all else
    bool is_unsigned = false;
    bool nullable = true;
};

struct ServerKey {
    std::string name;
    std::vector<std::size_t> columns; // places among the table's columns
};

struct ServerTable {
    std::string name, engine;
    std::string create;                // SHOW CREATE TABLE
    std::vector<ServerColumn> columns; // that have a value of their own: generated ones are made again
    std::vector<std::size_t> key;      // the columns that name a row, in their order; empty without any
    std::vector<ServerKey> unique;     // further keys that name one row each
    bool transactional = true;
    std::uint64_t rough_bytes = 0; // as the server guesses; not kept

    // False where they lie elsewhere: in other tables (MERGE), files or on other servers.
    bool keeps_rows() const;
    // "`a`, `b`" to read: what a plain SELECT would round comes in full.
    std::string selected() const;
    // With a '?' for each of the cells that were read.
    std::string insert() const;
    // The server's order by the key is the order of the bytes that the key is made of here.
    bool sorted_by_key() const;
    std::string order() const; // " order by `a`, `b`", or nothing
    // What rows and keys look like is digested; another digest, another form.
    std::string form() const;

    Value value() const;
    static Result<ServerTable> from(const Value& value);
};

// Views, triggers, routines, events, sequences: made by statements, in the settings they were made in.
struct ServerObject {
    std::string kind; // "view", "trigger", "procedure", "function", "package", "package body", "event",
                      // "sequence"
    std::string name;
    std::string create; // SHOW CREATE …
    std::string sql_mode, client_charset, connection_collation, database_collation, time_zone;
    std::string value; // of a sequence: what it gives next
    std::string table; // of a trigger
};

struct ServerSchema {
    std::string server; // "MariaDB 10.11.6"
    std::string database, charset, collation;
    std::vector<ServerObject> objects; // in an order in which they can be made, as far as it is known
    Value value() const;
    static Result<ServerSchema> from(const Value& value);
};

// All base tables of the connection's database, by name.
Result<std::vector<ServerTable>> read_tables(database::MariadbTables& server);
Result<ServerSchema> read_schema(database::MariadbTables& server);
// By their kinds, a view behind those that it names: an order in which they can be made. What is there
// in an order of its own keeps that.
void order_objects(std::vector<ServerObject>& objects);

} // namespace respawn::component
