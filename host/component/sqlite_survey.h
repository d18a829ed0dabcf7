// What a database holds, so that what comes back can be compared with what went in.
#pragma once

#include "component/sqlite_handle.h"

#include "base/value.h"

#include <vector>

namespace respawn::component {

// Of every stored table (virtual tables count through the tables that hold their data) and of
// sqlite_schema itself: {tables: {NAME: {rows, checksum}}, page_size, pages, journal_mode, encoding,
// user_version, application_id, auto_vacuum, violations: [text], foreign_key_violations,
// foreign_key_examples: [text]}.
//
// A table's checksum doesn't depend on the order of its rows: the sum, modulo 2^128, of each row's
// SHA-256 cut to 16 bytes and read as a little-endian number, written as 32 hex digits. A row is its
// rowid (where the table has one that can be named) and then its columns in their order, generated ones
// included, each as a tag byte and a value: 0 null; 1 integer, 8 bytes; 2 real, 8 bytes IEEE 754; 3
// text and 4 blob, a 4-byte length and the bytes (text as UTF-8). All little-endian.
//
// Kind::corrupt, with what integrity_check says, when the file is damaged. Rows that break a rule of
// the schema (NOT NULL, CHECK, foreign keys) are no damage: they are listed and come back as they were.
Result<Value> survey(const SqliteHandle& database);

// Kind::failed_check naming each table whose count or checksum is another, and violations that are new.
Result<void> must_equal(const Value& found, const Value& expected, const io::Path& path);

// Tables that the game made, and their rows together.
std::uint64_t own_tables(const Value& survey);
std::uint64_t own_rows(const Value& survey);

// The lines of integrity_check that tell of damage, and those that tell of rows breaking a rule.
struct Integrity {
    std::vector<std::string> damage, violations;
};
Result<Integrity> check_integrity(const SqliteHandle& database);

} // namespace respawn::component
