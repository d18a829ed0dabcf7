#include "database/sql_tokens.h"

#include <algorithm>
#include <array>

namespace respawn::database {

namespace {

using Kind = SqlToken::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_token_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

std::string lower(std::string_view text) {
    std::string small(text);
    for (auto& c : small)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return small;
}

class Scanner {
  public:
    explicit Scanner(std::string_view sql) : sql_(sql) {}

    SqlToken next() {
        skip_space();
        const auto begin = at_;
        SqlToken token{ .kind = scan(), .text = {}, .name = {} };
        at_ = std::min(at_, sql_.size());
        token.text = sql_.substr(begin, at_ - begin);
        if (token.kind == Kind::word)
            token.name = lower(token.text);
        else if (token.kind == Kind::quoted_name || token.kind == Kind::text)
            token.name = lower(unquoted(token.text));
        return token;
    }

  private:
    char peek(std::size_t ahead = 0) const {
        return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
    }
    bool sees(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

    void skip_space() {
        for (;;) {
            if (sees("--"))
                at_ = std::min(sql_.find('\n', at_), sql_.size());
            else if (sees("/*"))
                at_ = std::min(sql_.find("*/", at_ + 2), sql_.size() - 2) + 2;
            else if (at_ < sql_.size() && static_cast<unsigned char>(peek()) <= ' ')
                ++at_;
            else
                return;
        }
    }

    Kind scan() {
        const char c = peek();
        if (at_ >= sql_.size())
            return Kind::end;
        if ((c == 'x' || c == 'X') && peek(1) == '\'')
            return quoted(at_ + 1, '\'', Kind::blob);
        if (c == '\'')
            return quoted(at_, '\'', Kind::text);
        if (c == '"' || c == '`')
            return quoted(at_, c, Kind::quoted_name);
        if (c == '[')
            return quoted(at_, ']', Kind::quoted_name);
        if (is_digit(c) || (c == '.' && is_digit(peek(1))))
            return number();
        if (c == '?' || c == ':' || c == '@' || c == '$' || c == '#') {
            for (++at_; is_token_character(peek());)
                ++at_;
            return Kind::parameter;
        }
        if (is_token_character(c)) {
            while (is_token_character(peek()))
                ++at_;
            return Kind::word;
        }
        return symbol();
    }

    Kind quoted(std::size_t open, char close, Kind kind) {
        for (at_ = open + 1; at_ < sql_.size(); ++at_)
            if (sql_[at_] == close) {
                if (close == ']' || peek(1) != close)
                    break;
                ++at_;
            }
        ++at_;
        return kind;
    }

    Kind number() {
        const bool hexadecimal = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
        for (++at_; at_ < sql_.size(); ++at_) {
            const bool sign_of_exponent = !hexadecimal && (peek() == '+' || peek() == '-') &&
                                          (sql_[at_ - 1] == 'e' || sql_[at_ - 1] == 'E');
            if (!is_token_character(peek()) && peek() != '.' && !sign_of_exponent)
                break;
        }
        return Kind::number;
    }

    Kind symbol() {
        constexpr std::array<std::string_view, 10> long_ones = { "->>", "||", "->", "<=", ">=",
                                                                 "<>",  "!=", "==", "<<", ">>" };
        const auto found = std::ranges::find_if(long_ones, [&](auto one) { return sees(one); });
        at_ += found == long_ones.end() ? 1 : found->size();
        return Kind::symbol;
    }

    static std::string unquoted(std::string_view text) {
        const char close = text.front() == '[' ? ']' : text.front();
        std::string name;
        for (std::size_t i = 1; i + 1 < text.size(); ++i) {
            name += text[i];
            i += text[i] == close ? 1 : 0;
        }
        return name;
    }

    std::string_view sql_;
    std::size_t at_ = 0;
};

} // namespace

std::vector<SqlToken> sql_tokens(std::string_view sql) {
    Scanner scanner(sql);
    std::vector<SqlToken> tokens;
    do
        tokens.push_back(scanner.next());
    while (tokens.back().kind != Kind::end);
    return tokens;
}

} // namespace respawn::database
