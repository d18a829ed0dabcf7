#include "cli/person.h"

#include "base/text.h"
#include "cli/output.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

// By its number or its text.
std::optional<std::string> chosen(const run::Question& question, const std::string& typed) {
    std::size_t number = 0;
    const auto [end, fault] = std::from_chars(typed.data(), typed.data() + typed.size(), number);
    const auto& choices = question.choices;
    if (std::find(choices.begin(), choices.end(), typed) != choices.end())
        return typed;
    const bool is_number = fault == std::errc() && end == typed.data() + typed.size();
    if (is_number && number >= 1 && number <= choices.size())
        return choices[number - 1];
    return std::nullopt;
}

} // namespace

Result<std::optional<std::string>> AtCommandLine::choose(const run::Question& question) {
    if (used_ < typed_.size())
        return std::optional(typed_[used_++]);
    if (!may_ask_ || !has_terminal())
        return std::optional<std::string>();
    tell("    " + printable(question.text));
    for (std::size_t i = 0; i < question.choices.size(); ++i)
        tell(fmt::format("      {}  {}", i + 1, printable(question.choices[i])));
    for (;;) {
        const auto typed = TRY(ask_text("    Type the number or the text of one: "));
        if (!typed)
            return std::optional<std::string>();
        if (auto choice = chosen(question, *typed))
            return choice;
    }
}

} // namespace respawn::cli
