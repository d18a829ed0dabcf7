#include "cli/output.h"

#include "base/text.h"
#include "base/time.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <optional>
#include <termios.h>
#include <unistd.h>

namespace respawn::cli {

namespace {

constexpr std::size_t most_typed = 4096;

bool colours_wanted() {
    static const bool wanted = ::isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR");
    return wanted;
}

// Columns on the screen: UTF-8 continuation bytes and colour codes take none.
std::size_t width_of(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\x1b')
            i = std::min(text.find('m', i), text.size());
        else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
            ++width;
    }
    return width;
}

std::string padded(std::string_view text, std::size_t width, bool right) {
    const std::string blanks(width > width_of(text) ? width - width_of(text) : 0, ' ');
    return right ? blanks + std::string(text) : std::string(text) + blanks;
}

bool looks_like_number(std::string_view text) {
    return !text.empty() && text[0] >= '0' && text[0] <= '9' &&
           text.find_first_not_of("0123456789.,%") == std::string_view::npos;
}

} // namespace

std::string painted(std::string_view text, Colour colour) {
    static constexpr std::string_view codes[] = { "", "1", "2", "31", "32", "33" };
    if (!colours_wanted() || colour == Colour::plain)
        return std::string(text);
    return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<int>(colour)], text);
}

namespace {

// Never throws, as fmt::print does when the reader of a pipe is gone: that must not end a run half-way.
void put(std::FILE* file, std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), file);
    std::fflush(file);
}

} // namespace

void say(std::string_view line) { put(stdout, fmt::format("{}\n", line)); }
void tell(std::string_view line) { put(stderr, fmt::format("{}\n", line)); }
bool was_all_said() { return std::ferror(stdout) == 0; }

void say_json(const Value& value) { say(to_json(value, 2)); }

std::string Table::text() const {
    std::vector<std::size_t> widths(rows_[0].size(), 0);
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i)
            widths[i] = std::max(widths[i], width_of(row[i]));
    std::string text;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
        std::string line;
        for (std::size_t i = 0; i < rows_[r].size() && i < widths.size(); ++i)
            line += (i ? "  " : "") +
                    padded(rows_[r][i], widths[i], r > 0 && looks_like_number(rows_[r][i]));
        line.erase(line.find_last_not_of(' ') + 1);
        text += (r == 0 ? painted(line, Colour::bold) : line) + "\n";
    }
    text.pop_back();
    return text;
}

std::string error_text(const Error& error, std::string_view state) {
    const auto on = error.on.empty() ? "" : fmt::format(" ({})", printable(error.on));
    auto text = error.what.empty()
                    ? std::string("respawn: ")
                    : fmt::format("respawn: could not {}{}\n  why    ", printable(error.what), on);
    std::vector<std::string> lines;
    for (const auto line : split(error.why, '\n'))
        lines.push_back(printable(line));
    text += join(lines, "\n         ");
    if (!error.fix.empty())
        text += "\n  do     " + error.fix;
    if (!state.empty())
        text += fmt::format("\n  state  {}", state);
    return text;
}

namespace {

std::string row_name(const database::RowChange& row) {
    std::vector<std::string> parts;
    for (const auto& [column, value] : row.key)
        parts.push_back(row.key.size() == 1 ? to_text(value)
                                            : printable(column) + "=" + to_text(value));
    return fmt::format("{}[{}]", printable(row.table), join(parts, ", "));
}

std::string whole_row(const Value::Map& row) {
    std::vector<std::string> parts;
    for (const auto& [column, value] : row)
        if (!value.is_null())
            parts.push_back(printable(column) + "=" + to_text(value));
    return join(parts, ", ");
}

} // namespace

std::vector<std::string> change_lines(const std::vector<database::RowChange>& rows) {
    std::vector<std::pair<std::string, std::string>> changes;
    for (const auto& row : rows) {
        const std::string by = row.asked ? "" : "   (by a trigger or cascade)";
        if (row.before.empty())
            changes.emplace_back(row_name(row), "new: " + whole_row(row.after) + by);
        else if (row.after.empty())
            changes.emplace_back(row_name(row), "removed: " + whole_row(row.before) + by);
        else
            for (const auto& [column, after] : row.after)
                if (const auto before = row.before.find(column);
                    before != row.before.end() && !(before->second == after))
                    changes.emplace_back(row_name(row) + "." + printable(column),
                                         to_text(before->second) + " → " + to_text(after) + by);
    }
    std::size_t width = 0;
    for (const auto& [name, change] : changes)
        width = std::max(width, std::min<std::size_t>(width_of(name), 40));
    std::vector<std::string> lines;
    for (const auto& [name, change] : changes)
        lines.push_back(padded(name, width, false) + "  " + change);
    return lines;
}

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), terminal_(::isatty(STDERR_FILENO)), begun_(now().microseconds) {}

ProgressBar::~ProgressBar() {
    if (terminal_ && shown_ > 0)
        put(stderr, "\r\x1b[K");
}

void ProgressBar::show(std::uint64_t done, std::uint64_t total) {
    const auto present = now().microseconds;
    if (!terminal_ || present - shown_ < 100'000)
        return;
    shown_ = present;
    const double seconds = std::max(0.001, static_cast<double>(present - begun_) / 1e6);
    const auto rate = static_cast<double>(done) / seconds;
    std::string line = fmt::format("{}  {}", title_, human_size(done));
    if (total > 0)
        line += fmt::format(" of {} ({} %)", human_size(total),
                            std::min<std::uint64_t>(100, done * 100 / total));
    line += fmt::format(", {}/s", human_size(static_cast<std::uint64_t>(rate)));
    if (total > done && rate > 0)
        line += fmt::format(", {} left", human_duration(Duration(static_cast<std::int64_t>(
                                             static_cast<double>(total - done) / rate * 1e6))));
    put(stderr, fmt::format("\r{}\x1b[K", line));
}

bool has_terminal() { return ::isatty(STDIN_FILENO) && ::isatty(STDERR_FILENO); }

Result<bool> ask(std::string_view question, std::string_view otherwise_type) {
    if (!has_terminal())
        return Error{ .kind = Kind::needs_person,
                      .why = fmt::format("{} There is no terminal to ask on", question),
                      .fix = fmt::format("to say yes: {}", otherwise_type) };
    put(stderr, fmt::format("{} Type yes to do it: ", question));
    std::string answer;
    std::getline(std::cin, answer);
    return trimmed(answer) == "yes";
}

namespace {

// Switches the terminal's echo off while it lives.
class Hidden {
  public:
    Hidden() : switched_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        auto silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        switched_ = switched_ && ::tcsetattr(STDIN_FILENO, TCSADRAIN, &silent) == 0;
    }
    ~Hidden() {
        if (switched_)
            ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    }
    Hidden(const Hidden&) = delete;
    Hidden& operator=(const Hidden&) = delete;

  private:
    termios before_{};
    bool switched_;
};

Result<void> must_have_terminal(std::string_view question) {
    if (has_terminal())
        return {};
    return Error{ .kind = Kind::needs_person,
                  .why = fmt::format("there is no terminal to ask on ({})", trimmed(question)),
                  .fix = "write it into a file of mode 600 and name the file" };
}

// A line without its newline; nothing at the end of the input. Not through a stream, whose buffer would
// keep it, and which would not notice Ctrl-C.
Result<std::optional<std::string>> read_line() {
    std::string line;
    line.reserve(most_typed);
    for (char letter = 0; line.size() < most_typed; line += letter) {
        const auto taken = ::read(STDIN_FILENO, &letter, 1);
        if (taken < 0)
            return Error{ .kind = Kind::cancelled, .why = "interrupted while it was typed" };
        if (taken == 0 && line.empty())
            return std::optional<std::string>();
        if (taken == 0 || letter == '\n')
            break;
    }
    return std::optional(std::move(line));
}

} // namespace

Result<std::optional<std::string>> ask_text(std::string_view question) {
    put(stderr, question);
    auto line = TRY(read_line());
    if (line)
        line = std::string(trimmed(*line));
    return line;
}

Result<Secret> ask_secret(std::string_view question) {
    TRY(must_have_terminal(question));
    put(stderr, question);
    auto line = [] {
        const Hidden hidden;
        return read_line();
    }();
    put(stderr, "\n");
    return Secret("typed", TRY(std::move(line)).value_or(""));
}

Result<Secret> ask_lines(std::string_view question) {
    TRY(must_have_terminal(question));
    put(stderr, fmt::format("{}\n", question));
    std::string all;
    all.reserve(most_typed);
    while (all.size() < most_typed) {
        const auto line = TRY(read_line());
        if (!line || trimmed(*line).empty())
            break;
        all += *line + " ";
    }
    return Secret("typed", std::move(all));
}

std::string age_of(std::int64_t microseconds) {
    return human_duration(now() - Moment{ microseconds }) + " ago";
}

} // namespace respawn::cli
