#include "database/only_reads.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::database {

namespace {

struct Token {
    enum class Kind { word, quoted_name, text, symbol, executable_comment };
    Kind kind = Kind::symbol;
    std::string text; // words in lower case, names without their quotes
    std::size_t begin = 0, end = 0;
};

bool is_word_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || static_cast<unsigned char>(c) >= 0x80;
}
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The words of SQL as its server sees them.
class Words {
  public:
    Words(std::string_view sql, const ReadingRules& rules) : sql_(sql), rules_(rules) {}

    std::vector<Token> all() {
        std::vector<Token> tokens;
        while (at_ < sql_.size())
            if (auto token = next(); token.end > token.begin)
                tokens.push_back(std::move(token));
        return tokens;
    }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }
    bool sees(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

    // To MariaDB --1 is a number.
    bool begins_line_comment() const {
        if (rules_.backslash_escapes)
            return peek() == '#' || (sees("--") && static_cast<unsigned char>(peek(2)) <= ' ');
        return sees("--");
    }

    // An empty token for space and comments.
    Token next() {
        if (sees("/*!") || sees("/*M!"))
            if (rules_.backslash_escapes)
                return take(Token::Kind::executable_comment, sql_.size());
        if (sees("/*"))
            return skip_comment();
        if (begins_line_comment())
            return skip_to(sql_.find('\n', at_));
        if (static_cast<unsigned char>(peek()) <= ' ')
            return skip_to(at_ + 1);
        if (rules_.dollar_quotes && (sees("e'") || sees("E'"))) {
            ++at_;
            return quoted('\'', true, Token::Kind::text);
        }
        if (peek() == '\'')
            return quoted('\'', rules_.backslash_escapes, Token::Kind::text);
        if (peek() == '"' && rules_.backslash_escapes)
            return quoted('"', true, Token::Kind::text);
        if (peek() == '"' || (peek() == '`' && rules_.backslash_escapes))
            return quoted(peek(), false, Token::Kind::quoted_name);
        if (rules_.dollar_quotes && peek() == '$' && !(peek(1) >= '0' && peek(1) <= '9'))
            return dollar_quoted();
        if (is_word_character(peek()))
            return word();
        return take(Token::Kind::symbol, at_ + 1);
    }

    Token skip_to(std::size_t end) {
        at_ = std::min(end, sql_.size());
        return {};
    }

    Token take(Token::Kind kind, std::size_t end) {
        Token token{
            .kind = kind, .text = std::string(sql_.substr(at_, end - at_)), .begin = at_, .end = end
        };
        at_ = end;
        return token;
    }

    Token skip_comment() {
        int depth = 0;
        do {
            if (sees("/*") && (depth == 0 || rules_.dollar_quotes)) {
                ++depth;
                at_ += 2;
            } else if (sees("*/")) {
                --depth;
                at_ += 2;
            } else {
                ++at_;
            }
        } while (depth > 0 && at_ < sql_.size());
        return {};
    }

    // The quote doubled is the quote.
    Token quoted(char quote, bool escapes, Token::Kind kind) {
        Token token{ .kind = kind, .text = {}, .begin = at_, .end = at_ };
        for (++at_; at_ < sql_.size(); ++at_) {
            if (escapes && peek() == '\\') {
                ++at_;
            } else if (peek() == quote) {
                if (peek(1) != quote)
                    break;
                ++at_;
            }
            token.text += lower(peek());
        }
        at_ = std::min(at_ + 1, sql_.size());
        token.end = at_;
        return token;
    }

    Token dollar_quoted() {
        std::size_t end = at_ + 1;
        while (end < sql_.size() && is_word_character(sql_[end]) && sql_[end] != '$')
            ++end;
        if (end >= sql_.size() || sql_[end] != '$')
            return take(Token::Kind::symbol, at_ + 1);
        const auto tag = sql_.substr(at_, end + 1 - at_);
        const auto close = sql_.find(tag, end + 1);
        return take(Token::Kind::text,
                    close == std::string_view::npos ? sql_.size() : close + tag.size());
    }

    Token word() {
        std::size_t end = at_;
        while (end < sql_.size() && is_word_character(sql_[end]))
            ++end;
        auto token = take(Token::Kind::word, end);
        std::ranges::transform(token.text, token.text.begin(), lower);
        return token;
    }

    std::string_view sql_;
    const ReadingRules& rules_;
    std::size_t at_ = 0;
};

bool is_word(const std::vector<Token>& tokens, std::size_t i, std::string_view word) {
    return i < tokens.size() && tokens[i].kind == Token::Kind::word && tokens[i].text == word;
}

bool is_symbol(const std::vector<Token>& tokens, std::size_t i, char symbol) {
    return i < tokens.size() && tokens[i].kind == Token::Kind::symbol && tokens[i].text[0] == symbol;
}

// "for update" is two words in a row.
bool stand_at(const std::vector<Token>& tokens, std::size_t i, std::string_view words) {
    for (const auto word : split(words, ' '))
        if (!is_word(tokens, i++, word))
            return false;
    return true;
}

bool is_called(const std::vector<Token>& tokens, std::size_t i, std::string_view function) {
    if (tokens[i].kind != Token::Kind::word && tokens[i].kind != Token::Kind::quoted_name)
        return false;
    if (!is_symbol(tokens, i + 1, '('))
        return false;
    return function.ends_with('*') ? tokens[i].text.starts_with(function.substr(0, function.size() - 1))
                                   : tokens[i].text == function;
}

Result<void> must_be_one(const std::vector<Token>& tokens) {
    std::size_t end = tokens.size();
    while (end > 0 && is_symbol(tokens, end - 1, ';'))
        --end;
    if (end == 0)
        return Error{ .kind = Kind::usage, .why = "there is no statement in the SQL" };
    for (std::size_t i = 0; i < end; ++i)
        if (is_symbol(tokens, i, ';'))
            return Error{ .kind = Kind::usage, .why = "only one SQL statement is taken at a time" };
    return {};
}

Result<void> must_begin_well(const std::vector<Token>& tokens, const ReadingRules& rules) {
    std::size_t first = 0;
    while (is_symbol(tokens, first, '('))
        ++first;
    for (const auto word : rules.first_words)
        if (is_word(tokens, first, word))
            return {};
    return not_reading(
        fmt::format("it begins with {}",
                    first < tokens.size() ? printable(tokens[first].text.substr(0, 40)) : "nothing"));
}

// U&"nextv\0061l" is nextval.
bool is_escaped_name(const std::vector<Token>& tokens, std::size_t i) {
    return is_word(tokens, i, "u") && is_symbol(tokens, i + 1, '&') && i + 2 < tokens.size() &&
           tokens[i + 2].kind == Token::Kind::quoted_name;
}

// EXPLAIN ANALYZE runs what it explains.
Result<void> must_not_run_what_it_explains(const std::vector<Token>& tokens) {
    for (std::size_t i = 1; i < tokens.size() && is_word(tokens, 0, "explain"); ++i)
        if (is_word(tokens, i, "analyze") || is_word(tokens, i, "analyse"))
            return not_reading("EXPLAIN ANALYZE runs the statement");
    return {};
}

} // namespace

Result<void> must_only_read(std::string_view sql, const ReadingRules& rules) {
    const auto tokens = Words(sql, rules).all();
    for (const auto& token : tokens)
        if (token.kind == Token::Kind::executable_comment)
            return not_reading("it has a comment that the server would run");
    TRY(must_be_one(tokens));
    TRY(must_begin_well(tokens, rules));
    TRY(must_not_run_what_it_explains(tokens));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (rules.dollar_quotes && is_escaped_name(tokens, i))
            return not_reading("it has a name in escapes");
        for (const auto words : rules.forbidden_words)
            if (stand_at(tokens, i, words))
                return not_reading(fmt::format("it has the words {}", words));
        for (const auto function : rules.forbidden_functions)
            if (is_called(tokens, i, function))
                return not_reading(fmt::format("it calls {}", printable(tokens[i].text)));
    }
    return {};
}

std::set<std::string> names_in(std::string_view sql, const ReadingRules& rules) {
    std::set<std::string> names;
    for (auto& token : Words(sql, rules).all())
        if (token.kind == Token::Kind::word || token.kind == Token::Kind::quoted_name)
            names.insert(std::move(token.text));
    return names;
}

Numbered with_numbered_parameters(std::string_view sql, const ReadingRules& rules) {
    const auto tokens = Words(sql, rules).all();
    Numbered numbered;
    std::size_t done = 0;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        if (!is_symbol(tokens, i, '?'))
            continue;
        const bool doubled = is_symbol(tokens, i + 1, '?') && tokens[i + 1].begin == tokens[i].end;
        numbered.sql += sql.substr(done, tokens[i].begin - done);
        numbered.sql += doubled ? "?" : fmt::format("${}", ++numbered.parameters);
        done = tokens[doubled ? ++i : i].end;
    }
    numbered.sql += sql.substr(done);
    return numbered;
}

Result<Rows> collect(Session& session, std::string_view sql, const std::vector<Value>& parameters) {
    Rows result;
    std::size_t bytes = 0;
    TRY(session.query(sql, parameters,
                      [&](const auto& columns, std::vector<Value> row) -> Result<void> {
                          result.columns = columns;
                          for (const auto& value : row)
                              bytes += size_of(value);
                          if (bytes > most_result_bytes)
                              return too_much();
                          result.rows.push_back(std::move(row));
                          return {};
                      }));
    return result;
}

Error not_reading(std::string_view why) {
    return Error{ .kind = Kind::denied,
                  .why = fmt::format("text SQL only reads, and this does not: {}", why),
                  .fix = "change rows with respawn.write, which shows, journals and can undo them" };
}

Error too_much() {
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("the query gives more than {}", human_size(most_result_bytes)),
                  .fix = "ask for fewer rows or columns, or let SQL count and sum" };
}

std::size_t size_of(const Value& value) {
    if (const auto* text = value.text())
        return text->size() + 8;
    if (const auto* blob = value.blob())
        return blob->bytes.size() + 8;
    return 8;
}

} // namespace respawn::database
