// Structured writes on a server: rows are locked in a fixed order, seen before their change and read
// again after all. What cascades and triggers did is the engine's to find (find_unasked).
#pragma once

#include "database/changes.h"

#include <optional>

namespace respawn::database {

// What a column holds, as far as values have to be fitted to it.
enum class Form { whole, exact, real, truth, text, bytes, bits, day, clock, moment, other };

struct ServerTable : Table {
    std::map<std::string, Form> forms;
    std::map<std::string, int> fractions; // digits of a second that a column keeps
    std::vector<std::string> made;        // those that an insert fills with a number or the like
    std::string numbered;                 // the column that the server numbers, alone the key; or empty
};

// Rows as a transaction's writes left them, by table and key.
using History = std::map<std::string, Value::Map>;

class ServerChanges : public ChangeTarget {
  public:
    ServerChanges(Session& session, Moment moment) : session_(session), moment_(moment) {}

    // Inside a transaction that the caller holds.
    virtual Result<Written> apply(const Write& write);

    Session& session() override { return session_; }
    Result<const Table*> find(const std::string& name) override { return TRY(known(name)); }
    Result<Value> fit(const Table& table, const std::string& column, const Value& value) override;
    std::string_view lock() const override { return " for update"; }
    Result<void> will_change(const Table& table, const Change& change, const Value::Map& row,
                             const Value::Map& set) override;
    Result<void> insert(const Table& table, const std::string& sql,
                        const std::vector<Value>& parameters) override;

  protected:
    // Kind::missing, or Kind::unsupported for what a rollback would not take back.
    virtual Result<ServerTable> read_table(const std::string& name) = 0;
    virtual Result<Value::Map> insert_row(const ServerTable& table, const std::string& sql,
                                          const std::vector<Value>& parameters);
    // Before anything is changed.
    virtual Result<void> prepare(const Write&) { return {}; }
    // Before this row is changed or removed, when `set` is null.
    virtual Result<void> expect_effects(const ServerTable& table, const Value::Map& row,
                                        const Value::Map* set) = 0;
    // A query for its clock: "2026-11-21T10:34:05Z".
    virtual std::string_view clock_query() const = 0;
    // After all changes.
    virtual Result<void> find_unasked() = 0;

    Result<const ServerTable*> known(const std::string& name);
    // A row that is about to change; told of once, as it was first. `after` where it need not be read.
    Result<void> saw(const ServerTable& table, Value::Map key, Value::Map before, bool asked,
                     std::optional<Value::Map> after = {});
    bool was_seen(const ServerTable& table, const Value::Map& key) const;
    std::int64_t asked_changes(const ServerTable& table, ChangeKind kind) const;
    // Of the row, as it would be after `set`.
    static Value::Map key_of(const ServerTable& table, const Value::Map& row, const Value::Map& set);
    static std::string name_of(const ServerTable& table, const Value::Map& key);
    // Only the columns that are stored.
    static Value::Map stored(const ServerTable& table, const Value::Map& row);

  private:
    struct Seen {
        const ServerTable* table;
        RowChange change;
        Value::Map key_after; // where the row is found again
        bool is_read = false; // `after` is known
    };
    Result<void> lock_rows(const Write& write);
    Result<void> read_after(Seen& seen);
    static std::vector<std::string> made_by_server(const Seen& seen, Moment clock);

    Session& session_;
    Moment moment_;
    std::map<std::string, ServerTable> tables_;
    std::vector<Seen> seen_;
    std::map<std::string, std::size_t> places_; // in seen_
    std::map<std::pair<std::string, ChangeKind>, std::int64_t> asked_;
};

} // namespace respawn::database
