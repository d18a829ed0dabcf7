// What a database holds, so that what comes back can be compared with what went in.
#pragma once

#include "component/page_pass.h"
#include "component/sqlite_image.h"

#include "base/value.h"

#include <vector>

namespace respawn::component {

// All that has pages of its own: tables, indexes and the schema. Virtual tables count through the
// tables that hold their data.
struct StoredTree {
    PageTree tree;
    std::string table;          // a table's name, for a table
    std::string whole_index_of; // the table of an index that has an entry for each of its rows
};
Result<std::vector<StoredTree>> stored_trees(const SqliteHandle& database);

// Hands on all pages and says what they are: {tables: {NAME: {rows}}, page_size, pages, journal_mode,
// encoding, user_version, application_id, auto_vacuum, image}. Kind::corrupt, naming the pages, when
// the file is damaged; SQLite's integrity_check has the last word on that. Rows that break a rule of
// the schema are no damage. `state` is for what does not fit into memory.
Result<Value> survey(ImageView& view, const vault::PageHasher& hasher, const io::Path& state,
                     decltype(PagePass::take) take);

// Kind::failed_check naming each table whose count is another, and what else is.
Result<void> must_equal(const Value& found, const Value& expected, const io::Path& path);

// Tables that the game made, and their rows together.
std::uint64_t own_tables(const Value& found);
std::uint64_t own_rows(const Value& found);

// The lines of integrity_check that tell of damage, and those that tell of rows breaking a rule.
struct Integrity {
    std::vector<std::string> damage, violations;
};
Result<Integrity> check_integrity(const SqliteHandle& database);

} // namespace respawn::component
