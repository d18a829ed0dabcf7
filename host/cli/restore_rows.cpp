#include "base/text.h"
#include "cli/restored.h"
#include "cli/run_flow.h"
#include "io/file.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::string_view rows_runbook = "rows/restore_rows";
constexpr std::string_view tables_runbook = "rows/restore_tables";
constexpr std::size_t largest_keys_file = 16 << 20;

bool names_rows(const Context& context) {
    return context.typed.has("--key") || context.typed.has("--keys-file");
}

Result<std::string> typed_keys(const Context& context) {
    std::string keys;
    for (const auto& key : context.typed.values("--key"))
        keys += key + "\n";
    if (context.typed.has("--keys-file"))
        keys += TRY(io::read_file(context.typed.value("--keys-file"), largest_keys_file));
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

Result<void> must_go_with_table(const Context& context) {
    for (const std::string_view other : { "--path", "--to", "--location", "--from" })
        if (context.typed.has(other))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("{} does not go with --table, which changes rows of the "
                                             "live database",
                                             other),
                          .fix = "leave it out; to look at the rows first: respawn query" };
    return {};
}

// Rows of one table, or several tables whole: what both runbooks are given.
run::Request request_for(const Context& context, std::string_view runbook,
                         std::map<std::string, std::string> parameters) {
    parameters.emplace("backup", context.typed.value("BACKUP", "latest"));
    if (context.typed.has("--component"))
        parameters.emplace("component", context.typed.value("--component"));
    return { .runbook = std::string(runbook),
             .parameters = std::move(parameters),
             .operator_name = operator_name(),
             .reason = context.typed.value("--reason") };
}

Result<int> restore_single_rows(const Context& context) {
    const auto tables = context.typed.values("--table");
    if (tables.size() > 1)
        return Error{ .kind = Kind::usage,
                      .why = "--key names rows of one table, and several tables are named",
                      .fix = "leave the keys out to bring the tables back whole, or name one table" };
    auto request = request_for(context, rows_runbook,
                               { { "table", tables.front() }, { "keys", TRY(typed_keys(context)) } });
    if (context.typed.has("--leave-out"))
        request.parameters.emplace("leave_out", "true");
    return plan_and_perform(context, { .request = std::move(request),
                                       .text = typed_text(context),
                                       .shown = fmt::format("rows of {} from {}", tables.front(),
                                                            context.typed.value("BACKUP", "latest")) });
}

Result<int> restore_whole_tables(const Context& context) {
    if (context.typed.has("--leave-out"))
        return Error{ .kind = Kind::usage,
                      .why =
                          "--leave-out goes with --key or --keys-file: a whole table leaves no row out",
                      .fix = "leave it out" };
    const auto tables = context.typed.values("--table");
    return plan_and_perform(context, { .request = request_for(context, tables_runbook,
                                                              { { "tables", join(tables, "\n") } }),
                                       .text = typed_text(context),
                                       .shown = fmt::format("all of {} from {}", join(tables, ", "),
                                                            context.typed.value("BACKUP", "latest")) });
}

} // namespace

Result<int> restore_rows(const Context& context) {
    TRY(must_go_with_table(context));
    return names_rows(context) ? restore_single_rows(context) : restore_whole_tables(context);
}

} // namespace respawn::cli
