#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "cli/snapshot_view.h"
#include "component/archive.h"
#include "component/archive_import.h"
#include "component/dump_import.h"
#include "component/mariadb_dump.h"
#include "config/size.h"
#include "run/scratch_folder.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

using component::ImportRequest;

Result<std::uint64_t> size_from(std::string_view text) {
    if (const auto size = config::parse_size(text))
        return *size;
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no size", printable(text)),
                  .fix = "write it as 500MiB or 50GiB" };
}

Result<component::ImportLimits> limits_from(const Context& context, const io::Path& state) {
    component::ImportLimits limits;
    limits.outside_links = context.typed.has("--outside-links");
    if (context.typed.has("--most-entries"))
        limits.entries = TRY(size_from(context.typed.value("--most-entries")));
    if (context.typed.has("--limit")) {
        limits.bytes = TRY(size_from(context.typed.value("--limit")));
        limits.ratio = UINT64_MAX;
    } else {
        limits.bytes = TRY(io::free_space(state)); // what could be restored here
    }
    return limits;
}

enum class Form { archive, database, json, dump };

Result<Form> form_of(const io::Path& file) {
    const auto end = file.extension();
    if (component::archive_form(file))
        return Form::archive;
    if (end == ".db" || end == ".sqlite" || end == ".sqlite3")
        return Form::database;
    if (end == ".json")
        return Form::json;
    if (component::dump_form(file))
        return Form::dump;
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("{} has an end that says nothing", printable(file.string())),
                  .fix =
                      "it can be .tar, .tar.gz, .tgz, .tar.zst, .db, .sqlite, .sqlite3, .json, .sql, "
                      ".sql.gz or .sql.zst" };
}

// What is imported under a configured component's name must be of its kind: else it could never come
// back.
Result<void> must_fit(const OpenVault& source, const std::string& name, Form form) {
    const auto* settings = source.game ? source.game->config().component(name) : nullptr;
    const std::string kind = form == Form::database ? "sqlite"
                             : form == Form::dump   ? "mariadb"
                                                    : "files";
    if (!settings || settings->kind == kind)
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("component {} is of kind {}, and this would be {}", name,
                                     settings->kind, kind),
                  .fix = "import it under another name: --component NAME" };
}

Result<void> must_be_a_name(const std::string& name) {
    const bool plain = !name.empty() && name.size() <= 100 && name.front() != '.' &&
                       name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                              "0123456789._-") == std::string::npos;
    if (plain)
        return {};
    return Error{ .kind = Kind::usage,
                  .why = name.empty() ? "an import needs the component that it is a backup of"
                                      : fmt::format("'{}' cannot name a component", printable(name)),
                  .fix = "--component NAME, of letters, digits, '.', '_' and '-'" };
}

// Of a dump it need not be typed where only one can be meant.
std::string component_from(const Context& context, const OpenVault& source, Form form) {
    auto name = context.typed.value("--component");
    if (!name.empty() || form != Form::dump || !source.game)
        return name;
    std::size_t databases = 0;
    for (const auto& settings : source.game->config().components)
        if (settings.kind == "mariadb" && ++databases == 1)
            name = settings.name;
    return databases == 1 ? name : "";
}

// With a configuration, the first import makes the vault as the first backup does.
Result<OpenVault> open_target(const Context& context) {
    if (context.typed.has("--location"))
        return open_vault(context);
    OpenVault source;
    source.game = TRY(context.game(config::Strictness::lenient));
    if (const auto unlock = TRY(typed_unlock(context)))
        source.game->open_with(*unlock);
    source.vault = TRY(source.game->vault_or_new());
    return source;
}

Result<vault::SnapshotDraft> draft_from(const Context& context, OpenVault& source,
                                        const io::Path& file) {
    const auto origin = fmt::format("imported from {}", file.filename().string());
    const auto note = context.typed.value("--note");
    vault::SnapshotDraft draft{ .plan = context.typed.value("--plan"),
                                .type = "manual",
                                .note = note.empty() ? origin : fmt::format("{} ({})", note, origin),
                                .started = now() };
    if (source.game) {
        draft.game = source.game->config().game;
        draft.environment = source.game->config().environment;
    } else if (const auto known = TRY(readable_snapshots(source)); !known.empty()) {
        draft.game = known.back().game;
        draft.environment = known.back().environment;
    }
    if (!context.typed.has("--time"))
        return draft;
    draft.moment = TRY(parse_moment(context.typed.value("--time"), draft.started));
    if (*draft.moment > draft.started || draft.moment->microseconds < 0)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("{} is no time that data can be of",
                                         to_rfc3339(*draft.moment, true)),
                      .fix = "--time is when the data was taken" };
    return draft;
}

// It is loaded where a verify would load it, and dropped again.
Result<vault::ComponentRecord> take_dump(const Context& context, const OpenVault& source,
                                         vault::Writer& writer, const ImportRequest& request,
                                         const component::Work& work) {
    const auto* config = source.game ? &source.game->config() : nullptr;
    component::ScratchPlace place{ .folder = work.state };
    if (config) {
        place.live = config->component(request.component);
        place.server = config->scratch_server(request.component);
    }
    if (!place.live || !place.server)
        return Error{
            .kind = Kind::usage,
            .why = fmt::format("a dump is loaded into a scratch server first, and there is none for {}",
                               printable(request.component)),
            .fix = fmt::format("configure a component of kind mariadb and, for it, scratch: {{ {}: "
                               "\"mysql://respawn_scratch@HOST:PORT/\" }} (docs/verifying.md)",
                               printable(request.component))
        };
    const auto scratch = TRY(run::ScratchFolder::take(config->scratch));
    place.id = scratch.id;
    const component::DumpChoice choice{ .database = context.typed.value("--database"),
                                        .without_end = context.typed.has("--without-end") };
    return component::import_dump(writer, request, choice, place, work);
}

Result<vault::ComponentRecord> take(const Context& context, const OpenVault& source, Form form,
                                    vault::Writer& writer, const ImportRequest& request,
                                    const component::Work& work) {
    switch (form) {
    case Form::dump:
        return take_dump(context, source, writer, request, work);
    case Form::archive:
        return component::import_archive(writer, request, work);
    case Form::database:
        return component::import_database(writer, request, work);
    case Form::json:
        break;
    }
    return component::import_json(writer, request, work);
}

Result<int> import_file(const Context& context) {
    const io::Path file = context.typed.value("FILE");
    const auto form = TRY(form_of(file));
    if (form != Form::dump)
        TRY(must_be_a_name(context.typed.value("--component")));
    auto source = TRY(open_target(context));
    const auto name = component_from(context, source, form);
    TRY(must_be_a_name(name));
    TRY(must_fit(source, name, form));
    auto draft = TRY(draft_from(context, source, file));
    const auto folder = source.game ? source.game->config().state : source.folder->path();
    const auto state = TRY(io::TemporaryFolder::make(folder));
    std::optional<ProgressBar> bar("importing");
    const component::Work work{ .cancel = context.cancel,
                                .progress = [&](std::uint64_t done,
                                                std::uint64_t total) { bar->show(done, total); },
                                .state = state.path() };
    ImportRequest request{ file, name, {}, TRY(limits_from(context, folder)) };
    if (const auto* settings = source.game ? source.game->config().component(name) : nullptr)
        request.live_paths = settings->paths;
    auto writer = TRY(source.vault->begin_backup());
    auto record = take(context, source, form, writer, request, work);
    bar.reset();
    draft.components.push_back(TRY(std::move(record).while_doing("import", file.string())));
    const auto snapshot = TRY(writer.finish(std::move(draft)).while_doing("import", file.string()));
    if (context.json)
        say_json(to_value(snapshot));
    else
        for (const auto& line : detail_lines(snapshot, {}))
            say(line);
    if (const auto* notes = snapshot.components.front().detail.at("notes").list())
        for (const auto& note : *notes)
            tell("note: " + printable(note.text() ? *note.text() : ""));
    const bool all = !source.game || share_with_others(context, *source.game).all;
    return snapshot.good() && all ? 0 : 3;
}

} // namespace

extern const Verb import_verb = {
    .name = "import",
    .summary = "Takes a backup that was made without respawn into the vault, as a snapshot of one "
               "component.",
    .arguments = { { .name = "FILE",
                     .doc = ".tar, .tar.gz, .tar.zst: files; .db, .sqlite: a database; .json: a file; "
                            ".sql, .sql.gz, .sql.zst: a dump of MariaDB or MySQL",
                     .required = true } },
    .options = with_opening(
        { { .name = "--component", .value = "NAME", .doc = "what it is a backup of" },
          { .name = "--time", .value = "TIME", .doc = "when the data was taken; now when left out" },
          { .name = "--plan", .value = "PLAN", .doc = "the plan whose backups it stands among" },
          { .name = "--note", .value = "TEXT", .doc = "shown by list, beside the file's name" },
          { .name = "--limit",
            .value = "SIZE",
            .doc = "the most that an archive may unpack to; else what is free in the state "
                   "folder, and 200 times its size" },
          { .name = "--most-entries",
            .value = "NUMBER",
            .doc = "the most entries that an archive may have; 1000000" },
          { .name = "--outside-links", .doc = "take symbolic links that lead out of the archive" },
          { .name = "--database", .value = "NAME", .doc = "which database, of a dump of several" },
          { .name = "--without-end",
            .doc = "take a dump that has no mark at its end (mariadb-dump --compact) for whole" } }),
    .details =
        "Nothing is unpacked to a disk. An archive with absolute names, \"..\", names below a link, "
        "links that lead outside, devices,\nnames that stand twice or more than the limits is "
        "refused whole. A database is checked first.\nA dump of SQL is loaded into a database of its "
        "own at "
        "the scratch server of its component, and backed up\nfrom there; what no dump contains is "
        "refused with its line. docs/in-and-out.md",
    .example = "respawn import saves-2026-03-01.tar.gz --component memory --time 2026-03-01",
    .run = import_file,
};

} // namespace respawn::cli
