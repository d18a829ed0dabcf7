#include "base/text.h"
#include "cli/output.h"
#include "cli/restored.h"
#include "component/archive_export.h"
#include "component/mariadb_dump.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

using component::Part;

bool is_database_name(const io::Path& to) {
    const auto end = to.extension();
    return end == ".db" || end == ".sqlite" || end == ".sqlite3";
}

Value json_of(const vault::Snapshot& snapshot, const io::Path& to, std::uint64_t files,
              std::uint64_t size, std::uint64_t written, const std::vector<std::string>& notes,
              Moment started) {
    return Value::Map{ { "backup_id", snapshot.id },
                       { "file", to.string() },
                       { "files", static_cast<std::int64_t>(files) },
                       { "size_bytes", static_cast<std::int64_t>(size) },
                       { "file_bytes", static_cast<std::int64_t>(written) },
                       { "start_time", to_rfc3339(started) },
                       { "end_time", to_rfc3339(now()) },
                       { "notes", Value::List(notes.begin(), notes.end()) },
                       { "overall_success", true } };
}

Result<int> to_archive(const Context& context, vault::Vault& vault, const vault::Snapshot& snapshot,
                       const std::vector<Part>& parts, const io::Path& to) {
    const auto started = now();
    std::optional<ProgressBar> bar("exporting");
    const component::Work work{ .cancel = context.cancel,
                                .progress = [&](std::uint64_t done, std::uint64_t total) {
                                    bar->show(done, total);
                                } };
    const auto exported =
        component::export_archive(vault, parts, to, *component::archive_form(to), work);
    bar.reset();
    const auto& report = TRY(exported);
    if (context.json) {
        say_json(json_of(snapshot, to, report.files, report.size_bytes, report.archive_bytes,
                         report.notes, started));
        return 0;
    }
    say(fmt::format("wrote {} ({}): {}, {}, read back and compared", printable(to.string()),
                    human_size(report.archive_bytes), counted(report.files, "file"),
                    human_size(report.size_bytes)));
    for (const auto& note : report.notes)
        say("  note: " + printable(note));
    say("  to unpack, with owners as root: tar --acls --xattrs -xpf " + printable(to.string()));
    return 0;
}

Result<Part> only_database(const std::vector<Part>& parts, std::string_view kind) {
    std::vector<std::string> names;
    const Part* found = nullptr;
    for (const auto& part : parts)
        if (part.record.kind == kind) {
            names.push_back(part.record.name);
            found = &part;
        }
    if (names.size() == 1)
        return *found;
    return Error{
        .kind = Kind::usage,
        .why = names.empty() ? fmt::format("none of what is asked for is a database of kind {}", kind)
                             : "several databases are asked for: " + join(names, ", "),
        .fix = names.empty()
                   ? "FILE.db is for sqlite, FILE.sql.gz for mariadb; else FILE.tar.zst, or a folder"
                   : "name one: --component NAME"
    };
}

Result<int> to_database(const Context& context, vault::Vault& vault, const vault::Snapshot& snapshot,
                        const std::vector<Part>& parts, const io::Path& to) {
    const auto started = now();
    TRY(component::must_be_free(to)); // also of an empty folder
    const auto part = TRY(only_database(parts, component::dump_form(to) ? "mariadb" : "sqlite"));
    std::optional<ProgressBar> bar("exporting " + part.record.name);
    const component::Work work{ .cancel = context.cancel,
                                .progress = [&](std::uint64_t done, std::uint64_t total) {
                                    bar->show(done, total);
                                } };
    const auto restored = component::restore_part(vault, part, to, work);
    bar.reset();
    const auto& report = TRY(restored);
    if (context.json)
        say_json(json_of(snapshot, to, 1, report.size_bytes, report.size_bytes, report.notes, started));
    else
        say(fmt::format("wrote {} ({}), verified", printable(to.string()),
                        human_size(report.size_bytes)));
    return 0;
}

Result<int> export_backup(const Context& context) {
    auto source = TRY(open_vault(context));
    const io::Path to = context.typed.value("TO");
    const auto snapshot =
        TRY(named_snapshot(source, context.typed.value("BACKUP"), context.typed.values("--component"),
                           context.typed.values("--path")));
    const auto parts = TRY(asked_parts(context, *source.vault, snapshot));
    const auto doing = fmt::format("snapshot {} to {}", snapshot.id, to.string());
    if (component::archive_form(to))
        return to_archive(context, *source.vault, snapshot, parts, to).while_doing("export", doing);
    if (is_database_name(to) || component::dump_form(to))
        return to_database(context, *source.vault, snapshot, parts, to).while_doing("export", doing);
    return restore_beside(context, *source.vault, snapshot, parts, to);
}

} // namespace

extern const Verb export_verb = {
    .name = "export",
    .summary =
        "Writes a backup, or a part of it, in a form that needs no respawn: a tar archive, plain "
        "files, an SQLite file, SQL text.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME",
                     .required = true },
                   { .name = "TO",
                     .doc = "FILE.tar.zst, .tar.gz, .tar; FILE.db for an SQLite database; FILE.sql, "
                            ".sql.gz, "
                            ".sql.zst for one of MariaDB; else a new folder",
                     .required = true } },
    .options =
        with_opening({ { .name = "--component",
                         .value = "NAME",
                         .doc = "only this one; may be repeated",
                         .repeated = true },
                       { .name = "--path",
                         .value = "PATH",
                         .doc = "only this one and what is below it, with its parents; may be repeated",
                         .repeated = true } }),
    .details = "Never writes over anything. An archive gets its name only once it was read back and "
               "compared. It is not encrypted:\nwho can read it can read the game's data.",
    .example = "respawn export latest /mnt/usb/wox.tar.zst",
    .run = export_backup,
};

} // namespace respawn::cli
