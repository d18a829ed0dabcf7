// Lua 5.4 as words. The text may be anything: a word that is none ends the words with a Fault, and
// nothing is looked at behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::lint {

enum class TokenKind { name, keyword, number, text, symbol, end };

struct Token {
    TokenKind kind = TokenKind::end;
    std::string text; // as written; of a text literal what it stands for
    int line = 1;     // where it begins
    bool is(std::string_view word) const {
        return text == word && (kind == TokenKind::keyword || kind == TokenKind::symbol);
    }
};

struct Comment {
    int line = 0;
    std::string text; // without the dashes
};

// What keeps a text from being Lua.
struct Fault {
    int line = 0;
    std::string why, cure;
};

class Lexer {
  public:
    explicit Lexer(std::string_view source);
    // The next word; `end` behind the last, and from the first fault on.
    Token next();
    const std::optional<Fault>& fault() const { return fault_; }
    const std::vector<Comment>& comments() const { return comments_; }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
    }
    void skip_blank();
    void skip_comment();
    std::optional<std::string> long_bracket(std::string_view what);
    void number(Token& token);
    void quoted(Token& token);
    void escape(std::string& text);
    void unicode_escape(std::string& text);
    void decimal_escape(std::string& text);
    void symbol(Token& token);
    void fail(int line, std::string why, std::string cure);

    std::string_view source_;
    std::size_t at_ = 0;
    int line_ = 1;
    std::vector<Comment> comments_;
    std::optional<Fault> fault_;
};

} // namespace respawn::lint
