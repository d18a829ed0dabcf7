#include "base/id.h"
#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/restored.h"
#include "cli/snapshot_view.h"
#include "run/own_state.h"
#include "run/recorded.h"
#include "run/rules.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

constexpr std::string_view restore_runbook = "restore";

Result<std::vector<const vault::ComponentRecord*>> chosen(const vault::Snapshot& snapshot,
                                                          const std::vector<std::string>& names) {
    std::vector<const vault::ComponentRecord*> records;
    for (const auto& record : snapshot.components)
        if (record.success &&
            (names.empty() ? !run::is_own_state(record.name)
                           : std::find(names.begin(), names.end(), record.name) != names.end()))
            records.push_back(&record);
    for (const auto& name : names)
        if (!snapshot.component(name))
            return Error{ .kind = Kind::missing,
                          .why = fmt::format("snapshot {} has no component {}", snapshot.id,
                                             printable(name)),
                          .fix = "it has: " + component_names(snapshot) };
    if (records.empty())
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("snapshot {} has no component that succeeded", snapshot.id),
                      .fix = "respawn list shows others" };
    return records;
}

struct Restored {
    const vault::ComponentRecord* record;
    component::RestoreReport report;
    io::Path place;
};

Value json_of(const vault::Snapshot& snapshot, const std::vector<Restored>& all, Moment started) {
    Value::Map components;
    std::uint64_t bytes = 0;
    for (const auto& [record, report, place] : all) {
        bytes += report.size_bytes;
        Value::List kept;
        for (const auto& path : report.kept_aside)
            kept.push_back(path.string());
        components.insert_or_assign(
            record->name,
            Value::Map{ { "type", record->kind },
                        { "size_bytes", static_cast<std::int64_t>(report.size_bytes) },
                        { "files", static_cast<std::int64_t>(report.files) },
                        { "unchanged_files", static_cast<std::int64_t>(report.unchanged_files) },
                        { "duration_seconds", static_cast<double>(report.duration) / 1e6 },
                        { "place", place.string() },
                        { "kept_aside", std::move(kept) },
                        { "notes", Value::List(report.notes.begin(), report.notes.end()) },
                        { "success", true } });
    }
    return Value::Map{ { "backup_id", snapshot.id },
                       { "start_time", to_rfc3339(started) },
                       { "end_time", to_rfc3339(now()) },
                       { "components", std::move(components) },
                       { "size_bytes", static_cast<std::int64_t>(bytes) },
                       { "rto_seconds", static_cast<double>((now() - started).count()) / 1e6 },
                       { "overall_success", true } };
}

void show(const vault::Snapshot& snapshot, const std::vector<Restored>& all, Moment started) {
    for (const auto& [record, report, place] : all) {
        say(fmt::format("restored {} ({}, {}{}) to {}, verified", record->name,
                        human_size(report.size_bytes), counted(report.files, "file"),
                        report.unchanged_files
                            ? fmt::format(", {} were right already", report.unchanged_files)
                            : "",
                        printable(place.string())));
        for (const auto& kept : report.kept_aside)
            say(fmt::format("  what was there is kept in {}", printable(kept.string())));
        for (const auto& note : report.notes)
            say("  note: " + printable(note));
    }
    say(fmt::format("done in {}, from snapshot {} of {}", human_duration(now() - started), snapshot.id,
                    to_rfc3339({ snapshot.started }, true)));
}

Result<Restored> restore_one(const Context& context, vault::Vault& vault, const component::Part& part,
                             const io::Path& place) {
    ProgressBar bar("restoring " + part.record.name);
    TRY(io::make_folder(place.has_parent_path() ? place.parent_path() : io::Path(".")));
    if (part.record.kind == "sqlite")
        TRY(io::make_folder(place)); // the file keeps its own name in it
    const component::Work work{ .cancel = context.cancel,
                                .progress = [&](std::uint64_t done,
                                                std::uint64_t total) { bar.show(done, total); },
                                .state = {} };
    return Restored{ &part.record, TRY(component::restore_part(vault, part, place, work)), place };
}

// A restore that was killed left its run behind, holding everything. Whoever restores next finishes or
// rolls back what it began, of every component, and takes its place.
Result<void> take_the_place_of_killed(const Context& context, run::Game& game) {
    auto* journal = TRY(game.journal());
    for (const auto& run : TRY(journal->runs(100))) {
        if (run.runbook != restore_runbook || run.state != journal::RunState::running ||
            !journal->take_over(run.id).ok()) // it works at this moment: beginning will say so
            continue;
        for (const auto& settings : game.config().components) {
            auto component = game.component(settings.name);
            if (!component.ok() && component.error().kind == Kind::unsupported)
                continue; // of what is never restored nothing is left
            TRY(TRY(std::move(component))->finish_restore(game.work(settings.name, context.cancel)));
        }
        TRY(journal->set_state(
            run.id, journal::RunState::aborted,
            run::to_value(
                Error{ .kind = Kind::cancelled, .why = "killed; a later restore took its place" })));
    }
    return {};
}

// The whole restore is a run of its own: it holds everything while it works, and stays in the journal.
Result<journal::RunRecord> begin_run(journal::Journal& journal, const vault::Snapshot& snapshot,
                                     const std::vector<const vault::ComponentRecord*>& records,
                                     const std::string& reason, const Value& allowed) {
    Value::List names;
    for (const auto* record : records)
        names.push_back(record->name);
    journal::RunRecord run{ .id = make_ulid(now()),
                            .runbook = std::string(restore_runbook),
                            .version = "1.0.0",
                            .mode = "live",
                            .target = "/",
                            .operator_name = operator_name(),
                            .reason = reason,
                            .plan = {},
                            .parameters = Value::Map{ { "snapshot", snapshot.id },
                                                      { "components", std::move(names) },
                                                      { "allowed_violations", allowed } } };
    TRY(journal.start_run(run, {}));
    return run;
}

Result<std::vector<Restored>> replace_live(const Context& context, OpenVault& source,
                                           const vault::Snapshot& snapshot,
                                           const std::vector<const vault::ComponentRecord*>& records,
                                           const std::string& run) {
    std::vector<Restored> all;
    for (const auto* record : records) {
        TRY(TRY(source.game->journal())->must_hold(run));
        auto* component = TRY(source.game->component(record->name));
        ProgressBar bar("restoring " + record->name);
        auto work = source.game->work(record->name, context.cancel);
        work.progress = [&](std::uint64_t done, std::uint64_t total) { bar.show(done, total); };
        TRY(component->finish_restore(work));
        const auto& settings = component->settings();
        all.push_back({ record,
                        TRY(component->restore_live(*source.vault, *record, work)
                                .while_doing("restore " + record->name, "snapshot " + snapshot.id)),
                        component->place() });
        if (database::is_database(settings))
            TRY(TRY(source.game->journal())
                    ->accept_marker(record->name,
                                    TRY(TRY(source.game->database(record->name))->marker_state())));
    }
    return all;
}

Result<int> restore_as_run(const Context& context, OpenVault& source, const vault::Snapshot& snapshot,
                           const std::vector<const vault::ComponentRecord*>& records,
                           const Value& allowed) {
    const auto started = now();
    auto* journal = TRY(source.game->journal());
    TRY(take_the_place_of_killed(context, *source.game));
    const auto run =
        TRY(begin_run(*journal, snapshot, records, context.typed.value("--reason"), allowed));
    const auto all = replace_live(context, source, snapshot, records, run.id);
    TRY(journal->set_state(run.id, all.ok() ? journal::RunState::done : journal::RunState::failed,
                           all.ok() ? Value() : run::to_value(all.error())));
    const auto& restored = TRY(all);
    if (context.json)
        say_json(json_of(snapshot, restored, started));
    else
        show(snapshot, restored, started);
    return 0;
}

// Rules that the rows of the backup break, which are to become the live ones; and why that is allowed.
Result<Value> violations(const Context& context, OpenVault& source, const vault::Snapshot& snapshot,
                         const std::vector<const vault::ComponentRecord*>& records) {
    std::vector<std::string> names;
    for (const auto* record : records)
        names.push_back(record->name);
    Value::List broken;
    for (const auto& rule :
         TRY(run::check_rules(*source.vault, snapshot, source.game->config(), names, context.cancel)))
        if (!rule.held()) {
            tell(fmt::format("  a rule of {} is broken: {}", rule.component, to_text(rule)));
            broken.push_back(run::to_value(rule));
        }
    const auto reason = context.typed.value("--allow-violations");
    if (broken.empty())
        return Value();
    if (!trimmed(reason).empty())
        return Value::Map{ { "reason", reason }, { "rules", std::move(broken) } };
    return Error{ .kind = Kind::failed_check,
                  .what = "restore " + source.game->config().game,
                  .on = "snapshot " + snapshot.id,
                  .why = fmt::format("{} of the configuration would not hold; nothing was changed",
                                     counted(broken.size(), "rule")),
                  .fix = "restore another backup, or say why: --allow-violations \"REASON\"" };
}

Result<int> restore_in_place(const Context& context, OpenVault& source, const vault::Snapshot& snapshot,
                             const std::vector<const vault::ComponentRecord*>& records) {
    tell(fmt::format("LIVE restore of {} from snapshot {} of {} ({})", source.game->config().game,
                     snapshot.id, to_rfc3339({ snapshot.started }, true), age_of(snapshot.started)));
    for (const auto* record : records)
        for (const auto& line :
             TRY(TRY(source.game->component(record->name))->preview_restore(*source.vault, *record))
                 .lines)
            tell("  would " + line);
    tell(fmt::format(
        "What was written since {} is lost from the live data; what is replaced is kept aside.",
        to_rfc3339({ snapshot.started }, true)));
    const auto allowed = TRY(violations(context, source, snapshot, records));
    if (!context.typed.has("--yes") &&
        !TRY(ask("Replace the live data?", "the same command with --yes"))) {
        tell("nothing was changed");
        return 5;
    }
    return restore_as_run(context, source, snapshot, records, allowed);
}

// A whole restore asks for every component: a backup of one of them, or something that was imported,
// does not stand in for it.
std::vector<std::string> asked_components(const Context& context, const OpenVault& source) {
    auto names = context.typed.values("--component");
    if (names.empty() && !context.typed.has("--path") && source.game)
        for (const auto& settings : source.game->config().components)
            names.push_back(settings.name);
    return names;
}

Result<int> bring_back(const Context& context) {
    if (context.typed.has("--table"))
        return restore_rows(context);
    for (const std::string_view option :
         { "--key", "--keys-file", "--leave-out", "--dry-run", "--plan" })
        if (context.typed.has(option))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("{} is for the rows of a table", option),
                          .fix = "name the table: --table NAME" };
    if (context.typed.has("--location") && !context.typed.has("--to"))
        return Error{ .kind = Kind::usage,
                      .why = "without a configuration, restore needs a place",
                      .fix = "respawn restore latest --location URL --key-file FILE --to FOLDER" };
    auto source = TRY(open_vault(context));
    if (context.typed.has("--path") && !context.typed.has("--to"))
        return Error{ .kind = Kind::usage,
                      .why = "--path brings back a part of a component, to a new place alone",
                      .fix = "add --to PLACE" };
    const auto names = context.typed.values("--component");
    const auto snapshot =
        TRY(named_snapshot(source, context.typed.value("BACKUP"), asked_components(context, source),
                           context.typed.values("--path")));
    if (context.typed.has("--to"))
        return restore_beside(context, *source.vault, snapshot,
                              TRY(asked_parts(context, *source.vault, snapshot)),
                              context.typed.value("--to"));
    if (std::any_of(names.begin(), names.end(), run::is_own_state))
        return Error{ .kind = Kind::usage,
                      .why = "respawn's own state is in use by this very command",
                      .fix =
                          "restore it with --to PLACE, then put it in place: docs/losing-a-host.md" };
    return restore_in_place(context, source, snapshot, TRY(chosen(snapshot, names)));
}

} // namespace

Result<std::vector<component::Part>> asked_parts(const Context& context, vault::Vault& vault,
                                                 const vault::Snapshot& snapshot) {
    const auto names = context.typed.values("--component");
    const auto paths = context.typed.values("--path");
    if (!paths.empty() && !names.empty())
        return Error{ .kind = Kind::usage,
                      .why = "--path names its component already",
                      .fix = "leave --component out: --path COMPONENT/PATH" };
    if (!paths.empty())
        return component::parts_at(vault, snapshot, paths, context.cancel)
            .while_doing("find what is asked for", "snapshot " + snapshot.id);
    std::vector<component::Part> parts;
    for (const auto* record : TRY(chosen(snapshot, names)))
        parts.push_back(component::whole_part(*record));
    return parts;
}

Result<int> restore_beside(const Context& context, vault::Vault& vault, const vault::Snapshot& snapshot,
                           const std::vector<component::Part>& parts, const io::Path& to) {
    const auto started = now();
    const bool alone = parts.size() == 1 && !io::is_there(to);
    std::vector<Restored> all;
    for (const auto& part : parts)
        all.push_back(TRY(restore_one(context, vault, part, alone ? to : to / part.record.name)
                              .while_doing("restore " + part.record.name, "snapshot " + snapshot.id)));
    if (context.json)
        say_json(json_of(snapshot, all, started));
    else
        show(snapshot, all, started);
    return 0;
}

Result<int> restore_again(const Context& context, run::Game game, const journal::RunRecord& run) {
    OpenVault source;
    source.game = std::move(game);
    source.vault = TRY(source.game->vault());
    std::vector<std::string> names;
    if (const auto* listed = run.parameters.at("components").list())
        for (const auto& name : *listed)
            names.push_back(name.text() ? *name.text() : "");
    const auto snapshot = TRY(vault::find_snapshot(TRY(source.vault->snapshots()),
                                                   run.parameters.text_at("snapshot"), names, now()));
    return restore_as_run(context, source, snapshot, TRY(chosen(snapshot, names)),
                          run.parameters.at("allowed_violations"));
}

extern const Verb restore = {
    .name = "restore",
    .summary = "Brings a backup back: to a new place with --to, else in place of the live data.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; latest when left "
                            "out" } },
    .options = with_opening(
        { { .name = "--component",
            .value = "NAME",
            .doc = "only this one; may be repeated",
            .repeated = true },
          { .name = "--path",
            .value = "PATH",
            .doc = "only this one and what is below it, with its parents (with --to); may be "
                   "repeated",
            .repeated = true },
          { .name = "--table",
            .value = "TABLE",
            .doc = "only this table of a database, into the live one: all of it, or the rows that are "
                   "named; a run like any other, with a dry run first; may be repeated",
            .repeated = true },
          { .name = "--key",
            .value = "COLUMN=VALUE",
            .doc =
                "with --table: which row; several columns with a comma between them; may be repeated",
            .repeated = true },
          { .name = "--keys-file",
            .value = "FILE",
            .doc = "with --table: rows, a line each, as --key has them or as JSON objects" },
          { .name = "--leave-out",
            .doc =
                "with --table: bring back the others when some rows cannot be (else nothing is done)" },
          { .name = "--dry-run", .doc = "with --table: only show the rows before and after" },
          { .name = "--plan",
            .value = "HASH",
            .doc = "with --table: do what a dry run showed, or nothing (exit 8) if the facts moved "
                   "since" },
          { .name = "--to", .value = "PLACE", .doc = "a new folder; nothing live is touched" },
          { .name = "--yes", .doc = "replace the live data without asking" },
          { .name = "--allow-violations",
            .value = "REASON",
            .doc =
                "replace the live data although rows of the backup break rules of the configuration; "
                "the reason is kept with the run" },
          { .name = "--reason", .value = "TEXT", .doc = "why, for the journal" } }),
    .details = "Replacing live data shows what would happen and asks; what is replaced is kept aside. "
               "A restore that was killed is finished or\nrolled back by the next restore or resume.",
    .example = "respawn restore @yesterday --component database --to /tmp/yesterday",
    .run = bring_back,
};

} // namespace respawn::cli
