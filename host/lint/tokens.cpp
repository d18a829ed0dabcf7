#include "lint/tokens.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

constexpr std::array<std::string_view, 22> keywords = {
    "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
    "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"
};
// The longest first: of two that fit the longer one is meant.
constexpr std::array<std::string_view, 33> symbols = {
    "...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", "..", "+", "-", "*", "/", "%", "^", "#",
    "&",   "~",  "|",  "<",  ">",  "=",  "(",  ")",  "{",  "}",  "[", "]", ";", ":", ",", "."
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) { return begins_name(c) || is_digit(c); }
bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

unsigned hex_digit(char c) {
    return is_digit(c) ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 32) - 'a' + 10);
}

// UTF-8 as Lua writes it: up to 31 bits, six bytes.
std::string utf8(std::uint32_t code) {
    if (code < 0x80)
        return std::string(1, static_cast<char>(code));
    std::string tail;
    std::uint32_t first = 0x3f; // what still fits the leading byte
    do {
        tail.insert(tail.begin(), static_cast<char>(0x80 | (code & 0x3f)));
        code >>= 6;
        first >>= 1;
    } while (code > first);
    return static_cast<char>((~first << 1) | code) + tail;
}

} // namespace

Lexer::Lexer(std::string_view source) : source_(source) {
    if (source_.starts_with("#")) // a first line for the shell
        at_ = std::min(source_.find('\n'), source_.size());
    if (source_.starts_with("\x1bLua"))
        fail(1, "this is compiled Lua, not its text", "write the runbook as text");
}

void Lexer::fail(int line, std::string why, std::string cure) {
    if (!fault_)
        fault_ = Fault{ line, std::move(why), std::move(cure) };
    at_ = source_.size();
}

// "[[", "[==[": the text up to the bracket that closes it, or nothing where none opens.
std::optional<std::string> Lexer::long_bracket(std::string_view what) {
    std::size_t level = 0;
    while (peek(1 + level) == '=')
        ++level;
    if (peek() != '[' || peek(1 + level) != '[')
        return std::nullopt;
    const auto closing = "]" + std::string(level, '=') + "]";
    const auto begin = at_ + level + 2;
    const auto end = source_.find(closing, begin);
    if (end == std::string_view::npos) {
        fail(line_, fmt::format("the {} that begins here does not end", what),
             fmt::format("write {} where it should end", closing));
        return "";
    }
    const auto text = source_.substr(begin, end - begin);
    line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    at_ = end + closing.size();
    return std::string(text.starts_with("\n") ? text.substr(1) : text);
}

void Lexer::skip_comment() {
    const auto line = line_;
    at_ += 2;
    const auto begin = at_;
    if (!long_bracket("comment"))
        at_ = std::min(source_.find('\n', at_), source_.size());
    comments_.push_back({ line, std::string(trimmed(source_.substr(begin, at_ - begin))) });
}

void Lexer::skip_blank() {
    while (at_ < source_.size()) {
        if (peek() == '-' && peek(1) == '-') {
            skip_comment();
        } else if (is_blank(peek())) {
            line_ += peek() == '\n' ? 1 : 0;
            ++at_;
        } else {
            return;
        }
    }
}

// As Lua reads one: everything that could belong to it, judged afterwards.
void Lexer::number(Token& token) {
    const auto begin = at_;
    const bool hex = peek() == '0' && (peek(1) | 32) == 'x';
    at_ += hex ? 2 : 0;
    const char exponent = hex ? 'p' : 'e';
    std::size_t digits = 0, points = 0, exponents = 0, after = 0;
    for (; in_name(peek()) || peek() == '.'; ++at_) {
        const char c = peek();
        if ((c | 32) == exponent && exponents == 0) {
            ++exponents;
            at_ += peek(1) == '+' || peek(1) == '-' ? 1 : 0;
        } else if (c == '.') {
            points += exponents == 0 ? 1 : 2;
        } else if (exponents > 0 ? is_digit(c) : hex ? is_hex(c) : is_digit(c)) {
            ++(exponents > 0 ? after : digits);
        } else {
            points = 2;
        }
    }
    token.kind = TokenKind::number;
    token.text = source_.substr(begin, at_ - begin);
    if (digits == 0 || points > 1 || (exponents > 0 && after == 0))
        fail(token.line, fmt::format("'{}' is no number", printable(token.text.substr(0, 40))),
             "write it as 12, 0.5, 1e3 or 0xff");
}

void Lexer::unicode_escape(std::string& text) {
    std::uint32_t code = 0;
    std::size_t digits = 0;
    if (peek() != '{')
        return fail(line_, "\\u is followed by no {", "write it as \\u{20ac}");
    for (++at_; is_hex(peek()) && digits < 8; ++at_, ++digits)
        code = code * 16 + hex_digit(peek());
    if (peek() != '}' || digits == 0 || code > 0x7fffffff)
        return fail(line_, "\\u{…} holds no character's number", "write it as \\u{20ac}");
    ++at_;
    text += utf8(code);
}

void Lexer::decimal_escape(std::string& text) {
    int code = 0;
    for (int digits = 0; digits < 3 && is_digit(peek()); ++digits, ++at_)
        code = code * 10 + (peek() - '0');
    if (code > 255)
        return fail(line_, fmt::format("\\{} is more than a byte", code), "write \\0 to \\255");
    text += static_cast<char>(code);
}

// Behind a backslash.
void Lexer::escape(std::string& text) {
    static constexpr std::string_view letters = "abfnrtv\\\"'\n", meant = "\a\b\f\n\r\t\v\\\"'\n";
    const char c = peek();
    if (is_digit(c))
        return decimal_escape(text);
    ++at_;
    line_ += c == '\n' ? 1 : 0;
    if (const auto found = letters.find(c); found != std::string_view::npos) {
        text += meant[found];
    } else if (c == 'z') {
        for (; is_blank(peek()); ++at_)
            line_ += peek() == '\n' ? 1 : 0;
    } else if (c == 'x' && is_hex(peek()) && is_hex(peek(1))) {
        text += static_cast<char>(hex_digit(peek()) * 16 + hex_digit(peek(1)));
        at_ += 2;
    } else if (c == 'u') {
        unicode_escape(text);
    } else {
        fail(line_,
             fmt::format("a text has the escape '\\{}', which Lua does not know", printable({ &c, 1 })),
             "write \\\\ for a backslash");
    }
}

void Lexer::quoted(Token& token) {
    token.kind = TokenKind::text;
    const char quote = peek();
    ++at_;
    while (peek() != quote || at_ >= source_.size()) {
        if (at_ >= source_.size() || peek() == '\n')
            return fail(token.line, "the text that begins here does not end",
                        fmt::format("write {} where it should end", quote));
        const char c = peek();
        ++at_;
        if (c != '\\')
            token.text += c;
        else
            escape(token.text);
        if (fault_)
            return;
    }
    ++at_;
}

void Lexer::symbol(Token& token) {
    token.kind = TokenKind::symbol;
    for (const auto one : symbols)
        if (source_.substr(at_).starts_with(one)) {
            token.text = one;
            at_ += one.size();
            return;
        }
    const auto strange = source_.substr(at_, 1);
    fail(line_, fmt::format("'{}' means nothing in Lua here", printable(strange)),
         strange == "!" ? "write ~= for \"not equal\", and not for \"not\"" : "take it out");
    token.kind = TokenKind::end;
}

Token Lexer::next() {
    skip_blank();
    Token token;
    token.line = line_;
    if (at_ >= source_.size())
        return token;
    const char c = peek();
    if (begins_name(c)) {
        const auto begin = at_;
        while (in_name(peek()))
            ++at_;
        token.text = source_.substr(begin, at_ - begin);
        const bool keyword = std::find(keywords.begin(), keywords.end(), token.text) != keywords.end();
        token.kind = keyword ? TokenKind::keyword : TokenKind::name;
    } else if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        number(token);
    } else if (c == '"' || c == '\'') {
        quoted(token);
    } else if (auto text = c == '[' ? long_bracket("text") : std::nullopt) {
        token.kind = TokenKind::text;
        token.text = std::move(*text);
    } else {
        symbol(token);
    }
    return fault_ ? Token{ .line = token.line } : token;
}

} // namespace respawn::lint
