// Journal records as rows of a database and back. What may be a player's data is sealed in them. One
// for every database that a journal is kept in. Thread-safe: it only holds the key.
#pragma once

#include "journal/journal.h"

namespace respawn::journal {

class Rows {
  public:
    explicit Rows(const crypto::Key& key) : key_(key) {}

    // In the order of the tables' columns, a run's without its times. Texts that come from outside are
    // made printable: a server refuses bytes that are no UTF-8.
    std::vector<Value> values(const RunRecord& run) const;
    std::vector<Value> values(std::string_view run, const CallRecord& call) const;

    std::vector<Value> values(const RehearsalRecord& rehearsal) const;

    // By column names. Kind::denied when what is sealed does not open.
    // A run's row also has `lease_left` and `silent`.
    Result<RunRecord> run(const Value::Map& row, Sharing sharing) const;
    Result<CallRecord> call(const Value::Map& row) const;
    Result<PlanRecord> plan(const Value::Map& row) const;
    Result<AnswerRecord> answer(const Value::Map& row) const;
    // The row also has `present`.
    static ApprovalRecord approval(const Value::Map& row);
    Result<RehearsalRecord> rehearsal(const Value::Map& row) const;

    // A column that is sealed, bound to its row and name; null stays null.
    Value sealed(const Value& value, std::string_view row, std::string_view column) const;

  private:
    Result<Value> opened(const Value::Map& row, std::string_view column,
                         std::string_view row_name) const;

    crypto::Key key_;
};

// A column's text or number; empty or 0 when it has none.
std::string text_of(const Value::Map& row, std::string_view column);
std::int64_t number_of(const Value::Map& row, std::string_view column);

} // namespace respawn::journal
