// The text of a SQL dump as tokens, statement by statement, as mariadb and mysql read it: DELIMITER,
// quotes, comments, and comments whose content a server of that version runs (/*!50003 … */). The text
// is a stranger's and as long as it likes: memory is bounded by the longest token that is allowed.
#pragma once

#include "io/stream.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::component {

struct DumpToken {
    enum class Kind { end, delimiter, word, name, text, number, bytes, variable, symbol };
    Kind kind = Kind::end;
    std::string text;       // as written
    std::string name;       // of a word in lower case, of a name without its quotes
    std::uint64_t line = 1; // where it begins
    std::size_t at = 0;     // in statement(), while that is kept

    bool is(std::string_view word_or_symbol) const {
        return (kind == Kind::word && name == word_or_symbol) ||
               (kind == Kind::symbol && text == word_or_symbol);
    }
    bool ends() const { return kind == Kind::end || kind == Kind::delimiter; }
};

// For which server comments are read.
struct DumpDialect {
    bool is_mariadb = true;
    unsigned version = 101100; // 10.11.0
};

class DumpText {
  public:
    // `longest` bounds a token and what is kept of a statement. Comments of a whole line (-- …) are
    // told between statements.
    using TakeComment = std::function<void(std::string_view line)>;
    DumpText(io::Source& from, DumpDialect dialect, std::size_t longest, TakeComment take_comment);

    // Valid until the next call. Kind::corrupt for a text that ends within a quote or a comment,
    // Kind::denied for a token that is too long.
    Result<const DumpToken*> next();
    // Of the statement at hand: all that was read since begin_statement(), without the marks of
    // comments that run; other comments as they are, or as spaces.
    void begin_statement();
    void keep_statement(bool keep);
    std::string statement(bool with_comments) const;
    // A comment of the statement that this server does not run; empty where there is none.
    const std::string& passed_over() const { return passed_over_; }

    // As the sql_mode of a statement has it: "x" is a name, and a '\' in a text is one of its letters.
    void set_quotes(bool names_in_double, bool backslash_escapes) {
        names_in_double_ = names_in_double;
        backslash_escapes_ = backslash_escapes;
    }
    std::uint64_t line() const { return line_; }
    // Next to nothing is behind the token, which may be half of one.
    bool is_near_end() { return read_more(2).ok() && buffer_.size() - at_ < 2; }

  private:
    struct Span {
        std::size_t at, size;
    };

    Result<char> peek(std::size_t ahead = 0); // '\0' behind the end
    Result<bool> is_next(std::string_view text);
    Result<void> read_more(std::size_t wanted);
    void take(std::string& to, std::size_t count);
    void pass(std::size_t count);

    Result<void> pass_gap();
    Result<bool> pass_one_gap();
    Result<void> pass_line();
    Result<void> pass_comment(std::string* to);
    Result<bool> pass_mark();
    bool runs(bool for_mariadb, std::string_view digits) const;
    void begin_token();
    Result<void> take_token();
    Result<void> take_quoted(char quote);
    Result<void> take_word();
    Result<void> take_number();
    Result<void> take_variable();
    Result<void> take_while(bool (*belongs)(char));
    Result<void> set_delimiter();
    Result<void> must_be_short(std::size_t size) const;

    io::Source& from_;
    const DumpDialect dialect_;
    const std::size_t longest_;
    TakeComment take_comment_;

    std::string buffer_;
    std::size_t at_ = 0;
    bool begun_ = false, ended_ = false;
    std::uint64_t line_ = 1;

    DumpToken token_;
    std::string delimiter_ = ";";
    bool names_in_double_ = false, backslash_escapes_ = true, in_mark_ = false;

    bool keeps_ = true, begins_ = true, at_mark_ = false;
    std::string statement_, gap_, passed_over_;
    std::vector<Span> comments_; // in statement_
    std::vector<Span> gap_comments_;
};

} // namespace respawn::component
