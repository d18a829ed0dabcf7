// How answers, tables, progress and errors look on a terminal, in a pipe, and as JSON.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "base/value.h"
#include "database/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::cli {

enum class Colour { plain, bold, dim, red, green, yellow };
// With the terminal's colour when stdout is one and NO_COLOR is not set.
std::string painted(std::string_view text, Colour colour);

// The answer, on stdout.
void say(std::string_view line);
// False once a part of the answer could not be written: a full disk, a closed pipe.
bool was_all_said();
// The talk, on stderr.
void tell(std::string_view line);
void say_json(const Value& value);

// Rows under headings, columns aligned; numbers to the right.
class Table {
  public:
    explicit Table(std::vector<std::string> headings) : rows_{ std::move(headings) } {}
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    std::string text() const;

  private:
    std::vector<std::vector<std::string>> rows_;
};

// "respawn: could not restore …", why, do, state: what failed, on what, why, and what to do next.
std::string error_text(const Error& error, std::string_view state = {});

// A row's changes, a line each: "active_duels[4711].status   'active' → 'ended'".
std::vector<std::string> change_lines(const std::vector<database::RowChange>& rows);

// A bar on a terminal, nothing in a pipe. Destroyed, it leaves its line empty.
class ProgressBar {
  public:
    explicit ProgressBar(std::string title);
    ~ProgressBar();
    void show(std::uint64_t done, std::uint64_t total);

  private:
    std::string title_;
    bool terminal_;
    std::int64_t begun_, shown_ = 0;
};

// Asks a yes-or-no question on the terminal. Kind::needs_person without one.
Result<bool> ask(std::string_view question, std::string_view otherwise_type);

bool has_terminal();
// Asks for a line on the terminal; nothing at the end of the input. Kind::cancelled after Ctrl-C.
Result<std::optional<std::string>> ask_text(std::string_view question);

// Asks for a text that is not shown while it is typed; for several lines, shown, until an empty one.
// Kind::needs_person without a terminal, Kind::cancelled after Ctrl-C.
Result<Secret> ask_secret(std::string_view question);
Result<Secret> ask_lines(std::string_view question);

// "3 h 12 min ago"
std::string age_of(std::int64_t microseconds);

} // namespace respawn::cli
