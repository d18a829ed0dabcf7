#include "base/text.h"
#include "cli/diff_table.h"
#include "cli/diff_tables.h"
#include "cli/output.h"
#include "cli/path_view.h"
#include "component/differences.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

using component::Difference;

struct Counts {
    std::uint64_t added = 0, removed = 0, content = 0, metadata = 0;
    std::uint64_t& of(Difference::What what) {
        std::uint64_t* const all[] = { &added, &removed, &content, &metadata };
        return *all[static_cast<std::size_t>(what)];
    }
    std::uint64_t total() const { return added + removed + content + metadata; }
};

std::string_view word_of(Difference::What what) {
    static constexpr std::string_view words[] = { "added", "removed", "content", "metadata" };
    return words[static_cast<std::size_t>(what)];
}

std::string size_text(const std::optional<vault::TreeEntry>& entry) {
    return entry && entry->type == vault::EntryType::file ? human_size(entry->size) : "";
}

std::string details_of(const Difference& found) {
    if (found.parts.empty()) {
        const auto size = size_text(found.before ? found.before : found.after);
        return size.empty() ? "" : fmt::format("  ({})", size);
    }
    const auto before = size_text(found.before), after = size_text(found.after);
    return fmt::format("  ({}{})", join(found.parts, ", "),
                       found.what == Difference::What::content && !before.empty()
                           ? fmt::format("; {} -> {}", before, after)
                           : "");
}

void show(const Difference& found) {
    static constexpr Colour colours[] = { Colour::green, Colour::red, Colour::yellow, Colour::plain };
    const auto kind = static_cast<std::size_t>(found.what);
    const auto& entry = found.after ? *found.after : *found.before;
    say(painted(fmt::format("{} {}{}{}", "+-M."[kind], printable(found.path),
                            entry.type == vault::EntryType::folder ? "/" : "", details_of(found)),
                colours[kind]));
}

Value side(const std::optional<vault::TreeEntry>& entry, const std::string& path) {
    return entry ? to_value(component::PathEntry{ path, nullptr, *entry }) : Value();
}

Value difference_value(const Difference& found) {
    return Value::Map{ { "change", word_of(found.what) },
                       { "path", found.path },
                       { "parts", Value::List(found.parts.begin(), found.parts.end()) },
                       { "before", side(found.before, found.path) },
                       { "after", side(found.after, found.path) } };
}

void conclude(const Counts& counts, const vault::Snapshot& before, const vault::Snapshot& after) {
    if (counts.total() == 0)
        return tell(fmt::format("no difference between {} and {}", before.id, after.id));
    tell(fmt::format(
        "{} added, {} removed, {} with other content, {} with other metadata alone; from {} "
        "({}) to {} ({})",
        counts.added, counts.removed, counts.content, counts.metadata, before.id,
        to_rfc3339({ before.started }, true), after.id, to_rfc3339({ after.started }, true)));
}

Result<int> show_differences(const Context& context) {
    if (context.typed.has("--table"))
        return diff_table(context);
    if (context.typed.value("B") == "live")
        return diff_live_tables(context);
    auto source = TRY(open_vault(context));
    const auto before =
        TRY(named_snapshot(source, context.typed.value("A"), {}, context.typed.values("PATH")));
    const auto after =
        TRY(named_snapshot(source, context.typed.value("B"), {}, context.typed.values("PATH")));
    Counts counts;
    JsonArray array;
    const auto take = [&](const Difference& found) -> Result<void> {
        ++counts.of(found.what);
        context.json ? array.add(difference_value(found)) : show(found);
        return {};
    };
    TRY(component::compare(*source.vault, before, after, context.typed.value("PATH"), context.cancel,
                           take)
            .while_doing("compare", fmt::format("snapshots {} and {}", before.id, after.id)));
    if (context.json)
        array.finish();
    else
        conclude(counts, before, after);
    return 0;
}

} // namespace

extern const Verb diff = {
    .name = "diff",
    .summary =
        "Shows which files differ between two backups: added (+), removed (-), other content (M), "
        "other metadata alone (.); which tables differ from what is live; or with --table, which rows.",
    .arguments = { { .name = "A", .doc = "the one to begin with", .required = true },
                   { .name = "B",
                     .doc = "the other one; or live, the databases as they are now",
                     .required = true },
                   { .name = "PATH", .doc = "only this one and what is below it" } },
    .options = with_opening({ { .name = "--table",
                                .value = "TABLE",
                                .doc = "compare the rows of this table of a database instead" },
                              { .name = "--component",
                                .value = "NAME",
                                .doc = "which database, when the backups hold several" } }),
    .details = "Only folders that differ are looked into. Rows are told apart by their primary key.",
    .example = "respawn diff @yesterday latest memory",
    .run = show_differences,
};

} // namespace respawn::cli
