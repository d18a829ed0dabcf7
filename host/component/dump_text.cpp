#include "component/dump_text.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/format.h>

namespace respawn::component {

namespace {

constexpr std::size_t dump_bytes_at_once = 1 << 18;
constexpr std::size_t longest_delimiter = 16, longest_passed_over = 100, digits_of_a_mark = 6;

bool is_gap(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_of_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$' ||
           (c & 0x80) != 0;
}
bool is_of_variable(char c) { return is_of_word(c) || c == '.'; }
bool is_of_number(char c) { return is_of_word(c) || c == '.'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_decimal(std::string_view text) {
    const auto digits = [&] {
        const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(end);
        return end > 0;
    };
    bool any = digits();
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        any = digits() || any;
    }
    if (!any || text.empty())
        return any;
    if (lower(text.front()) != 'e')
        return false;
    text.remove_prefix(1);
    if (text.starts_with('-') || text.starts_with('+'))
        text.remove_prefix(1);
    return digits() && text.empty();
}

bool is_hexadecimal(std::string_view text) {
    return text.size() > 2 && text.starts_with("0x") &&
           text.find_first_not_of("0123456789abcdefABCDEF", 2) == std::string_view::npos;
}

} // namespace

DumpText::DumpText(io::Source& from, DumpDialect dialect, std::size_t longest, TakeComment take_comment)
    : from_(from), dialect_(dialect), longest_(longest), take_comment_(std::move(take_comment)) {}

// ---- bytes ----

Result<void> DumpText::read_more(std::size_t wanted) {
    while (!ended_ && buffer_.size() - at_ < wanted) {
        buffer_.erase(0, std::exchange(at_, 0));
        const auto size = buffer_.size();
        buffer_.resize(size + dump_bytes_at_once);
        const auto taken = TRY(from_.read(buffer_.data() + size, dump_bytes_at_once));
        buffer_.resize(size + taken);
        ended_ = taken == 0;
    }
    return {};
}

Result<char> DumpText::peek(std::size_t ahead) {
    if (at_ + ahead >= buffer_.size())
        TRY(read_more(ahead + 1));
    return at_ + ahead < buffer_.size() ? buffer_[at_ + ahead] : '\0';
}

Result<bool> DumpText::is_next(std::string_view text) {
    if (buffer_.size() - at_ < text.size())
        TRY(read_more(text.size()));
    return std::string_view(buffer_).substr(at_).starts_with(text);
}

void DumpText::pass(std::size_t count) {
    line_ += static_cast<std::uint64_t>(
        std::count(buffer_.begin() + static_cast<std::ptrdiff_t>(at_),
                   buffer_.begin() + static_cast<std::ptrdiff_t>(at_ + count), '\n'));
    at_ += count;
}

void DumpText::take(std::string& to, std::size_t count) {
    to.append(buffer_, at_, count);
    pass(count);
}

Result<void> DumpText::must_be_short(std::size_t size) const {
    if (size <= longest_)
        return {};
    return Error{ .kind = Kind::denied,
                  .why = fmt::format("line {}: a statement or value of more than {} bytes", token_.line,
                                     longest_),
                  .fix = "raise max_allowed_packet at the scratch server" };
}

// ---- between tokens ----

bool DumpText::runs(bool for_mariadb, std::string_view digits) const {
    constexpr unsigned first_of_mysql = 50700, last_of_mysql = 99999; // MariaDB passes over these
    unsigned version = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), version);
    if (for_mariadb || !dialect_.is_mariadb)
        return dialect_.is_mariadb == for_mariadb && version <= dialect_.version;
    return version <= dialect_.version && (version < first_of_mysql || version > last_of_mysql);
}

// Behind "/*"; comments within are part of it.
Result<void> DumpText::pass_comment(std::string* to) {
    int depth = 1;
    std::string ignored;
    auto& taken = to ? *to : ignored;
    while (depth > 0) {
        const bool opens = in_mark_ && TRY(is_next("/*")), closes = TRY(is_next("*/"));
        if (!opens && !closes && at_ == buffer_.size())
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("line {}: the text ends within a comment", line_) };
        depth += opens ? 1 : closes ? -1 : 0;
        take(taken, opens || closes ? 2 : 1);
        if (!to)
            taken.clear();
        TRY(must_be_short(taken.size()));
    }
    return {};
}

// "/*!50003 " is passed over, and what is behind it is part of the statement; or all of the comment.
Result<bool> DumpText::pass_mark() {
    const bool for_mariadb = TRY(is_next("/*M!"));
    if (in_mark_ || !(for_mariadb || TRY(is_next("/*!"))))
        return false;
    pass(for_mariadb ? 4 : 3);
    std::string digits;
    while (digits.size() < digits_of_a_mark && is_digit(TRY(peek())))
        take(digits, 1);
    at_mark_ = true;
    if (runs(for_mariadb, digits)) {
        in_mark_ = true;
        return true;
    }
    in_mark_ = true; // so that comments within count
    std::string content;
    const auto passed = pass_comment(&content);
    in_mark_ = false;
    TRY(passed);
    if (passed_over_.empty() && !begins_)
        passed_over_ = content.substr(0, std::min(content.size() - 2, longest_passed_over));
    return true;
}

Result<void> DumpText::pass_line() {
    std::string line;
    while (at_ < buffer_.size() || !ended_) {
        TRY(read_more(1));
        const auto end = std::min(buffer_.find('\n', at_), buffer_.size());
        take(line, end - at_);
        TRY(must_be_short(line.size()));
        if (at_ < buffer_.size())
            break;
    }
    if (begins_ && take_comment_)
        take_comment_(line);
    if (keeps_ && !begins_) {
        gap_comments_.push_back({ gap_.size(), line.size() });
        gap_ += line;
    }
    return {};
}

Result<bool> DumpText::pass_one_gap() {
    const char c = TRY(peek());
    if (at_ == buffer_.size())
        return false;
    if (is_gap(c)) {
        take(gap_, 1);
        return true;
    }
    if (c == '#')
        return TRY(pass_line()), true;
    if (c == '-' && TRY(peek(1)) == '-') {
        const char behind = TRY(peek(2));
        const bool is_comment = is_gap(behind) || at_ + 2 >= buffer_.size();
        return is_comment ? (TRY(pass_line()), true) : false;
    }
    if (in_mark_ && TRY(is_next("*/"))) {
        pass(2);
        in_mark_ = false;
        at_mark_ = true;
        return true;
    }
    if (TRY(pass_mark()))
        return true;
    if (!TRY(is_next("/*")))
        return false;
    const auto begin = gap_.size();
    take(gap_, 2);
    TRY(pass_comment(&gap_));
    gap_comments_.push_back({ begin, gap_.size() - begin });
    return true;
}

Result<void> DumpText::pass_gap() {
    if (!std::exchange(begun_, true) && TRY(is_next("\xef\xbb\xbf")))
        pass(3); // as editors mark UTF-8
    gap_.clear();
    gap_comments_.clear();
    at_mark_ = false;
    while (TRY(pass_one_gap())) {
        if (begins_ || !keeps_)
            gap_.clear();
        TRY(must_be_short(gap_.size()));
    }
    return {};
}

// ---- tokens ----

// What lies between two tokens becomes part of the statement; around a mark it is one space.
void DumpText::begin_token() {
    token_.text.clear();
    token_.name.clear();
    token_.line = line_;
    if (!keeps_ || begins_)
        gap_.clear();
    else if (at_mark_ && gap_comments_.empty())
        gap_ = " ";
    for (const auto& comment : gap_comments_)
        if (!gap_.empty())
            comments_.push_back({ statement_.size() + comment.at, comment.size });
    statement_ += gap_;
    token_.at = statement_.size();
}

Result<void> DumpText::take_quoted(char quote) {
    const bool escapes = token_.kind == DumpToken::Kind::text && backslash_escapes_;
    take(token_.text, 1);
    for (;;) {
        TRY(read_more(1));
        if (at_ == buffer_.size())
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("line {}: the text ends within a quote", token_.line) };
        const char ends[] = { quote, escapes ? '\\' : quote };
        const auto end = std::min(buffer_.find_first_of({ ends, 2 }, at_), buffer_.size());
        take(token_.text, end - at_);
        TRY(must_be_short(token_.text.size()));
        if (at_ == buffer_.size())
            continue;
        TRY(read_more(2));
        const bool doubled = buffer_[at_] == quote && TRY(peek(1)) == quote;
        const bool escaped = buffer_[at_] != quote && at_ + 1 < buffer_.size();
        const bool last = buffer_[at_] == quote && !doubled;
        take(token_.text, doubled || escaped ? 2 : 1);
        if (last)
            return {};
    }
}

// Up to the delimiter, where that is of such letters itself.
Result<void> DumpText::take_while(bool (*belongs)(char)) {
    const bool may_end = belongs(delimiter_.front());
    for (;;) {
        TRY(read_more(1));
        auto end = at_;
        while (end < buffer_.size() && belongs(buffer_[end]) && !(may_end && end > at_))
            ++end;
        take(token_.text, end - at_);
        TRY(must_be_short(token_.text.size()));
        const bool goes_on = end == buffer_.size() ? !ended_ : belongs(buffer_[end]);
        if (!goes_on || (may_end && TRY(is_next(delimiter_))))
            return {};
    }
}

Result<void> DumpText::take_word() {
    token_.kind = DumpToken::Kind::word;
    TRY(take_while(is_of_word));
    token_.name = token_.text;
    std::ranges::transform(token_.name, token_.name.begin(), lower);
    return {};
}

// A name may begin with a digit: 1st, 0xyz, 1e5a.
Result<void> DumpText::take_number() {
    TRY(take_while(is_of_number));
    const char last = lower(token_.text.back());
    const char sign = TRY(peek());
    if (last == 'e' && (sign == '-' || sign == '+') && is_digit(TRY(peek(1))) &&
        is_decimal(token_.text + "1")) {
        take(token_.text, 1);
        TRY(take_while(is_digit));
    }
    token_.kind = is_decimal(token_.text)       ? DumpToken::Kind::number
                  : is_hexadecimal(token_.text) ? DumpToken::Kind::bytes
                                                : DumpToken::Kind::word;
    token_.name = token_.text;
    std::ranges::transform(token_.name, token_.name.begin(), lower);
    return {};
}

Result<void> DumpText::take_variable() {
    token_.kind = DumpToken::Kind::symbol;
    take(token_.text, 1);
    if (TRY(peek()) == '@')
        take(token_.text, 1);
    if (!is_of_variable(TRY(peek())))
        return {};
    token_.kind = DumpToken::Kind::variable;
    TRY(take_while(is_of_variable));
    token_.name = token_.text;
    std::ranges::transform(token_.name, token_.name.begin(), lower);
    return {};
}

Result<void> DumpText::take_token() {
    const char c = TRY(peek());
    if (at_ == buffer_.size()) {
        token_.kind = DumpToken::Kind::end;
        return {};
    }
    if (TRY(is_next(delimiter_))) {
        token_.kind = DumpToken::Kind::delimiter;
        pass(delimiter_.size());
        return {};
    }
    if (c == '\'' || c == '"' || c == '`') {
        const bool is_name = c == '`' || (c == '"' && names_in_double_);
        token_.kind = is_name ? DumpToken::Kind::name : DumpToken::Kind::text;
        TRY(take_quoted(c));
        if (!is_name)
            return {};
        for (std::size_t i = 1; i + 1 < token_.text.size(); i += token_.text[i] == c ? 2 : 1)
            token_.name += token_.text[i];
        return {};
    }
    if (is_digit(c) || (c == '.' && is_digit(TRY(peek(1)))))
        return take_number();
    if (c == '@')
        return take_variable();
    if (is_of_word(c))
        return take_word();
    token_.kind = DumpToken::Kind::symbol;
    take(token_.text, 1);
    return {};
}

// The client's own command, on a line of its own.
Result<void> DumpText::set_delimiter() {
    std::string line;
    while (TRY(peek()) != '\n' && at_ < buffer_.size() && line.size() < 100)
        take(line, 1);
    const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
    const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
    delimiter_ = line.substr(begin, end - begin);
    if (!delimiter_.empty() && delimiter_.size() <= longest_delimiter &&
        delimiter_.find_first_of("'\"`\\") == std::string::npos)
        return {};
    return Error{ .kind = at_ == buffer_.size() ? Kind::corrupt : Kind::denied,
                  .why = fmt::format("line {}: no delimiter that a dump would have", line_) };
}

Result<const DumpToken*> DumpText::next() {
    for (;;) {
        TRY(pass_gap());
        begin_token();
        TRY(take_token());
        if (!begins_ || !token_.is("delimiter"))
            break;
        TRY(set_delimiter());
    }
    if (token_.kind == DumpToken::Kind::end && in_mark_)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("line {}: the text ends within a comment", line_) };
    begins_ = token_.kind == DumpToken::Kind::delimiter;
    if (keeps_ && !token_.ends())
        statement_ += token_.text;
    TRY(must_be_short(statement_.size()));
    return &token_;
}

// ---- statements ----

void DumpText::begin_statement() {
    begins_ = keeps_ = true;
    statement_.clear();
    comments_.clear();
    passed_over_.clear();
}

void DumpText::keep_statement(bool keep) { keeps_ = keep; }

std::string DumpText::statement(bool with_comments) const {
    auto text = statement_;
    for (const auto& comment : comments_)
        if (!with_comments)
            std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(comment.at), comment.size, ' ');
    text.resize(text.find_last_not_of(" \t\r\n\v\f") + 1);
    return text;
}

} // namespace respawn::component
