#include "cli/restored.h"
#include "cli/run_flow.h"
#include "io/file.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::string_view runbook = "rows/restore_rows";
constexpr std::size_t largest_keys_file = 16 << 20;

Result<std::string> typed_keys(const Context& context) {
    std::string keys;
    for (const auto& key : context.typed.values("--key"))
        keys += key + "\n";
    if (context.typed.has("--keys-file"))
        keys += TRY(io::read_file(context.typed.value("--keys-file"), largest_keys_file));
    if (keys.empty())
        return Error{ .kind = Kind::usage,
                      .why = "--table brings back single rows, and none is named",
                      .fix = "add --key COLUMN=VALUE or --keys-file FILE; a whole database: "
                             "--component NAME without --table" };
    return keys;
}

// As a shell takes it for one word.
std::string shell_word(std::string_view text) {
    constexpr std::string_view harmless = "_=:/.,@%+-";
    if (!text.empty() && std::ranges::all_of(text, [&](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) || harmless.find(c) != harmless.npos;
        }))
        return std::string(text);
    std::string word = "'";
    for (const char c : text)
        word += c == '\'' ? "'\\''" : std::string(1, c);
    return word + "'";
}

std::string typed_text(const Context& context) {
    std::string text = "respawn restore";
    if (context.typed.has("BACKUP"))
        text += " " + shell_word(context.typed.value("BACKUP"));
    for (const std::string_view option : { "--component", "--table", "--key", "--keys-file" })
        for (const auto& value : context.typed.values(option))
            text += fmt::format(" {} {}", option, shell_word(value));
    return text + (context.typed.has("--leave-out") ? " --leave-out" : "");
}

} // namespace

Result<int> restore_rows(const Context& context) {
    for (const std::string_view other : { "--path", "--to", "--location", "--from" })
        if (context.typed.has(other))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("{} does not go with --table, which changes rows of the "
                                             "live database",
                                             other),
                          .fix = "leave it out; to look at the rows first: respawn query" };
    run::Request request{ .runbook = std::string(runbook),
                          .parameters = { { "table", context.typed.value("--table") },
                                          { "keys", TRY(typed_keys(context)) },
                                          { "backup", context.typed.value("BACKUP", "latest") } },
                          .operator_name = operator_name(),
                          .reason = context.typed.value("--reason") };
    if (context.typed.has("--component"))
        request.parameters.emplace("component", context.typed.value("--component"));
    if (context.typed.has("--leave-out"))
        request.parameters.emplace("leave_out", "true");
    return plan_and_perform(context,
                            { .request = std::move(request),
                              .text = typed_text(context),
                              .shown = fmt::format("rows of {} from {}", context.typed.value("--table"),
                                                   context.typed.value("BACKUP", "latest")) });
}

} // namespace respawn::cli
