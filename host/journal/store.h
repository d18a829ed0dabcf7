// What a journal is kept in: the tables of docs/journal.md and all that differs between one database
// and another. Statements are written so that SQLite, PostgreSQL and CockroachDB take them. Not
// thread-safe.
#pragma once

#include "database/session.h"
#include "journal/journal.h"

namespace respawn::journal {

class Store {
  public:
    virtual ~Store() = default;
    // All of the body or nothing, durable when it returns. Statements see what others have committed
    // until then. Where another transaction was in its way, the body may be called again.
    virtual Result<void> transaction(const std::function<Result<void>(database::Session&)>& body) = 0;
    // For what only reads.
    virtual Result<database::Session*> session() = 0;
    // The present moment as SQL, in microseconds since 1970, by the one clock that all who share the
    // journal go by.
    virtual std::string present() const = 0;
    virtual Sharing sharing() const = 0;
    virtual Result<void> copy_to(const io::Path& file) = 0;
};

// The table that was added last: a journal without it gets it by the same statements.
inline constexpr std::string_view newest_table = "rehearsals";
// Statements that make the tables, each of which may be run again; the last one fills in the version
// and the first token. `integer` and `bytes` are the store's words for such columns, `table_end` what
// follows a table's columns.
std::vector<std::string> schema_statements(std::string_view integer, std::string_view bytes,
                                           std::string_view table_end);
std::vector<std::string> table_names();
// Kind::unsupported when the tables are another version's.
Result<void> must_be_of_this_version(database::Session& session, std::string_view where);
// All rows, from one journal's tables to another's.
Result<void> copy_tables(database::Session& from, database::Session& to);
// As a local journal in a new file. Kind::conflict when there is one.
Result<void> copy_to_file(database::Session& from, const io::Path& file);

// `lease` is how long a holder on another host is trusted.
std::unique_ptr<Journal> make_journal(std::unique_ptr<Store> store, const crypto::Key& key,
                                      Duration lease);

} // namespace respawn::journal
