// Text SQL for a server that only reads, by its words. It is one of three fences: the transaction is
// read only, and the login should be.
#pragma once

#include "database/database.h"
#include "database/session.h"

#include <set>
#include <span>

namespace respawn::database {

struct ReadingRules {
    bool backslash_escapes = false; // 'it\'s', "text", `name`, # comment, /*! SQL */
    bool dollar_quotes = false;     // $$text$$, E'it\'s', comments that nest
    // All in lower case.
    std::span<const std::string_view> first_words;
    std::span<const std::string_view> forbidden_words;     // "into"; "for update" is two in a row
    std::span<const std::string_view> forbidden_functions; // "nextval"; "lo_*" is all that begin so
};

// One statement of an allowed kind, without what locks, writes files or waits; else Kind::denied, or
// Kind::usage when it is not one statement.
Result<void> must_only_read(std::string_view sql, const ReadingRules& rules);
// The words and quoted names of SQL, in lower case.
std::set<std::string> names_in(std::string_view sql, const ReadingRules& rules);
// '?' outside of quotes and comments as $1, $2, …; "??" is a '?'.
struct Numbered {
    std::string sql;
    std::size_t parameters = 0;
};
Numbered with_numbered_parameters(std::string_view sql, const ReadingRules& rules);

// Runs it and collects the rows, bounded by most_result_bytes.
Result<Rows> collect(Session& session, std::string_view sql, const std::vector<Value>& parameters);

Error not_reading(std::string_view why);
Error too_much();
std::size_t size_of(const Value& value);

} // namespace respawn::database
