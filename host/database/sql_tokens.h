// SQLite's SQL as tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace respawn::database {

struct SqlToken {
    enum class Kind { end, word, quoted_name, text, blob, number, parameter, symbol };
    Kind kind = Kind::end;
    std::string text; // as written
    std::string name; // a word, or a quoted name or text without its quotes; in lower case
    bool is(std::string_view symbol_or_word) const {
        return (kind == Kind::symbol && text == symbol_or_word) ||
               (kind == Kind::word && name == symbol_or_word);
    }
};

// Without space and comments; the last one is Kind::end.
std::vector<SqlToken> sql_tokens(std::string_view sql);

} // namespace respawn::database
