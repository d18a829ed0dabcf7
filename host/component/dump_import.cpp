#include "component/dump_import.h"

#include "base/text.h"
#include "base/time.h"
#include "component/dump_reader.h"
#include "component/mariadb_backup.h"
#include "component/scratch_server.h"
#include "io/compress.h"
#include "io/gunzip.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <tuple>

namespace respawn::component {

using database::MariadbTables;
using vault::ComponentRecord;

namespace {

constexpr std::uint64_t never_a_bomb = 256 << 20;  // of text, before its ratio is looked at
constexpr std::size_t room_of_a_packet = 64 << 10; // for what stands around a row
// Of warnings: a value was cut; one of a column that the server makes itself was not heeded.
constexpr unsigned cut_value = 1265, ignored_generated = 1906;

// ---- the text ----

// The file as it lies there: says how far it is, and looks at whether to go on.
class PackedFile final : public io::Source {
  public:
    PackedFile(io::FileSource file, std::uint64_t size, const Work& work, std::uint64_t& taken)
        : file_(std::move(file)), size_(size), work_(work), taken_(taken) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override {
        TRY(work_.cancel.check());
        const auto read = TRY(file_.read(buffer, size));
        taken_ += read;
        if (work_.progress)
            work_.progress(taken_, size_);
        return read;
    }

  private:
    io::FileSource file_;
    const std::uint64_t size_;
    const Work& work_;
    std::uint64_t& taken_;
};

class DumpFile final : public io::Source {
  public:
    static Result<DumpFile> open(const ImportRequest& request, const Work& work) {
        DumpFile opened(request.limits);
        const auto& path = request.file;
        const auto size = std::filesystem::is_regular_file(path) ? std::filesystem::file_size(path) : 0;
        const auto magic = TRY(io::read_at(TRY(io::open_to_read(path)).number(), 0, 4, path));
        auto file =
            std::make_unique<PackedFile>(TRY(io::FileSource::open(path)), size, work, *opened.packed_);
        if (magic.starts_with("\x1f\x8b"))
            opened.text_ = io::gunzipped(std::move(file));
        else if (magic == "\x28\xb5\x2f\xfd")
            opened.text_ = io::decompressed(std::move(file));
        else
            opened.text_ = std::move(file);
        return opened;
    }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        const auto taken = TRY(text_->read(buffer, size));
        unpacked_ += taken;
        const auto ratio = unpacked_ / std::max<std::uint64_t>(*packed_, 1);
        if (unpacked_ <= limits_.bytes && (unpacked_ <= never_a_bomb || ratio <= limits_.ratio))
            return taken;
        return Error{ .kind = Kind::denied,
                      .why = unpacked_ > limits_.bytes
                                 ? fmt::format("the dump unpacks to more than {}",
                                               human_size(limits_.bytes))
                                 : fmt::format("the dump unpacks to more than {} times its size, as "
                                               "bombs do",
                                               limits_.ratio),
                      .fix = "if that is right: the same with --limit SIZE (as 50GiB); nothing was "
                             "kept" };
    }

  private:
    explicit DumpFile(const ImportLimits& limits) : limits_(limits) {}
    ImportLimits limits_;
    std::unique_ptr<std::uint64_t> packed_ = std::make_unique<std::uint64_t>(0);
    std::uint64_t unpacked_ = 0;
    std::unique_ptr<io::Source> text_;
};

// ---- the server ----

std::uint64_t number_of(const std::optional<std::string>& text) {
    std::uint64_t number = 0;
    if (text)
        std::from_chars(text->data(), text->data() + text->size(), number);
    return number;
}

// 11.4.5 is 110405, as comments that run say it.
DumpDialect dialect_of(MariadbTables& server) {
    const auto version = server.version(); // "MariaDB 10.11.6"
    unsigned number = 0;
    for (const auto part : split(std::string_view(version).substr(version.find(' ') + 1), '.'))
        number = number * 100 + static_cast<unsigned>(number_of(std::string(part)) % 100);
    return { server.is_mariadb(), number };
}

struct DumpFault {
    unsigned code;
    std::string_view fix;
};
constexpr DumpFault dump_faults[] = {
    { 1273,
      "this server does not have the collation; import it with a scratch server of the kind and "
      "version that the dump was made by, or replace the collation's name in the dump by one that "
      "it has, as utf8mb4_unicode_ci (texts then compare and sort by that one)" },
    { 1115, "this server does not have the character set: import it with a scratch server that has" },
    { 1286, "this server does not have the engine: import it with a scratch server that has" },
    { 1064, "this server does not understand it: import it with a scratch server of the kind and "
            "version that the dump was made by" },
    { 1146, "the dump has rows of a table that it does not make: make it without --no-create-info" },
    { 1153, "raise max_allowed_packet at the scratch server" },
    { 1062, "a row stands twice for this server: a collation of it takes for the same what the other "
            "server told apart, or the dump was put together from several" },
};

class DumpLoader {
  public:
    DumpLoader(MariadbTables& server, const config::ScratchServer& scratch)
        : server_(server), scratch_(scratch) {}

    Result<void> run(const DumpStatement& statement) {
        TRY(understand(statement));
        TRY(must_have_room(statement));
        auto done = server_.run(statement.sql);
        if (!done.ok()) {
            const auto* known = std::ranges::find(dump_faults, server_.last_code(), &DumpFault::code);
            auto error = std::move(done).error();
            if (known != std::end(dump_faults)) {
                error.kind = Kind::unsupported;
                error.fix = known->fix;
            }
            error.why = fmt::format("line {} of the dump: {}", statement.line, error.why);
            return Result<void>(std::move(error))
                .while_doing(statement.task, printable(statement.subject));
        }
        return statement.rows > 0 ? look_at_warnings(statement) : done;
    }
    const Notes& notes() const { return notes_; }

  private:
    Result<void> understand(const DumpStatement& statement) {
        if (statement.charset != charset_)
            TRY(server_.run("set names " + statement.charset));
        charset_ = statement.charset;
        const auto zone = statement.time_zone.empty() ? "+00:00" : statement.time_zone;
        if (zone != time_zone_)
            TRY(server_.run("set session time_zone = " + MariadbTables::literal(zone)));
        time_zone_ = zone;
        if (statement.rows > 0 && statement.time_zone.empty())
            notes_.add("the dump does not say its time zone: its TIMESTAMPs were taken for UTC");
        return {};
    }

    Result<void> must_have_room(const DumpStatement& statement) {
        sent_ += statement.sql.size();
        if (!scratch_.most_bytes || sent_ <= *scratch_.most_bytes)
            return {};
        return Error{ .kind = Kind::no_space,
                      .why = fmt::format("the dump is larger than the {} that the scratch server is to "
                                         "have at most",
                                         human_size(*scratch_.most_bytes)),
                      .fix = fmt::format("raise scratch: {}: most, or name another server",
                                         scratch_.server.name) };
    }

    // Where the client would go on with another value than the dump has.
    Result<void> look_at_warnings(const DumpStatement& statement) {
        for (const auto& row : TRY(server_.rows("show warnings"))) {
            const auto code = row.size() == 3 ? number_of(row[1]) : ignored_generated;
            if (code == ignored_generated || row[0] == "Note")
                continue;
            const auto said = printable(row[2].value_or(""));
            if (code != cut_value || !TRY(is_of_enum(statement.subject, said)))
                return Error{ .kind = Kind::failed_check,
                              .why = fmt::format("table {}, rows from line {} on: the server takes a "
                                                 "value for another one: {}",
                                                 printable(statement.subject), statement.line, said),
                              .fix =
                                  "make the dump with --default-character-set=utf8mb4, and import it "
                                  "with a scratch server of the kind and version that it was made "
                                  "by; nothing was kept" };
        }
        return {};
    }

    // It keeps '' for what was none of its words, and a dump has that.
    Result<bool> is_of_enum(const std::string& table, const std::string& said) {
        if (enums_of_ != table) {
            enums_ = TRY(server_.rows(fmt::format("select column_name from information_schema.columns "
                                                  "where table_schema = database() and "
                                                  "data_type = 'enum' and table_name = {}",
                                                  MariadbTables::literal(table))));
            enums_of_ = table;
        }
        return std::ranges::any_of(enums_, [&](const MariadbTables::Texts& column) {
            return said.find("'" + printable(column.at(0).value_or("")) + "'") != std::string::npos;
        });
    }

    MariadbTables& server_;
    const config::ScratchServer& scratch_;
    std::string charset_, time_zone_;
    std::uint64_t sent_ = 0;
    std::string enums_of_; // a table
    std::vector<MariadbTables::Texts> enums_;
    Notes notes_;
};

Result<DumpContent> load_dump(MariadbTables& server, const config::ScratchServer& scratch,
                              io::Source& text, const DumpChoice& choice, Notes& notes) {
    const auto packet = number_of(TRY(server.value("select @@max_allowed_packet")));
    DumpLoader loader(server, scratch);
    DumpReader reader(text,
                      { .database = choice.database,
                        .without_end = choice.without_end,
                        .dialect = dialect_of(server),
                        .longest = std::max<std::uint64_t>(packet, 1 << 20) - room_of_a_packet },
                      [&](const DumpStatement& statement) { return loader.run(statement); });
    auto content = TRY(reader.read());
    for (auto& line : loader.notes().lines())
        notes.add(std::move(line));
    for (auto& line : content.notes.lines())
        notes.add(std::move(line));
    return content;
}

// Of a dump that does not say it: what most of its tables have.
Result<void> set_defaults(MariadbTables& server, const DumpContent& content, Notes& notes) {
    if (!content.charset.empty())
        return server.run(
            fmt::format("alter database character set {}{}", content.charset,
                        content.collation.empty() ? "" : " collate " + content.collation));
    const auto most = TRY(server.rows(
        "select character_set_name, collation_name from information_schema.tables join "
        "information_schema.collations on collation_name = table_collation where table_schema = "
        "database() group by 1, 2 order by count(*) desc, 2 limit 1"));
    if (most.empty())
        return {};
    notes.add(fmt::format("the dump does not say the database's default character set: it is taken for "
                          "that of most of its tables, {}",
                          most[0][1].value_or("")));
    return server.run(fmt::format("alter database character set {} collate {}",
                                  most[0][0].value_or("utf8mb4"),
                                  most[0][1].value_or("utf8mb4_general_ci")));
}

// ---- the snapshot ----

void replace_all(std::string& text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

// As a backup of the database that was dumped has it.
void tell_as_dumped(const DumpContent& content, ServerSchema& schema,
                    std::vector<ServerTable>& tables) {
    const auto here = MariadbTables::quoted(schema.database) + ".";
    schema.database = content.database;
    for (auto& table : tables)
        replace_all(table.create, here, MariadbTables::quoted(content.database) + ".");
    for (auto object : content.objects) {
        if (object.kind != "view" && object.database_collation.empty())
            object.database_collation = schema.collation;
        schema.objects.push_back(std::move(object));
    }
    order_objects(schema.objects);
}

Result<void> must_have_all_rows(const DumpContent& content, const ComponentRecord& record) {
    std::vector<std::string> other;
    const auto& tables = record.detail.at("tables");
    for (const auto& [name, rows] : content.rows)
        if (const auto& facts = tables.at(name);
            !facts.map() || facts.integer_at("rows") != static_cast<std::int64_t>(rows))
            other.push_back(
                fmt::format("{} ({} of {})", printable(name),
                            facts.map() ? std::to_string(facts.integer_at("rows")) : "no table", rows));
    if (other.empty())
        return {};
    return Error{ .kind = Kind::failed_check,
                  .why = "the server did not take each row of the dump: " + join(other, ", "),
                  .fix = "nothing was kept; import it with a scratch server of the kind and version "
                         "that the dump was made by" };
}

} // namespace

Result<ComponentRecord> import_dump(vault::Writer& into, const ImportRequest& request,
                                    const DumpChoice& choice, const ScratchPlace& place,
                                    const Work& work) {
    const auto begun = now();
    Notes notes;
    auto text = TRY(DumpFile::open(request, work));
    const auto scratch = TRY(take_scratch_database(place, notes));
    TRY(scratch->keeper().run(fmt::format("create database {} character set utf8mb4",
                                          MariadbTables::quoted(scratch->name()))));
    const auto server = TRY(MariadbTables::open(scratch->login(), work.cancel));
    TRY(server->run(
        "set session unique_checks = 1, max_error_count = 65535")); // the dump may be of another kind
                                                                    // of server
    auto content = TRY(load_dump(*server, *place.server, text, choice, notes));
    TRY(set_defaults(*server, content, notes));
    if (content.database.empty())
        content.database = TRY(database::mariadb_login(*place.live)).database;
    auto record = TRY(
        back_up_still_copy(scratch->login(), request.component, into, work,
                           [&](ServerSchema& schema, std::vector<ServerTable>& tables, Notes& told) {
                               tell_as_dumped(content, schema, tables);
                               for (auto& line : notes.lines())
                                   told.add(std::move(line));
                           }));
    TRY(must_have_all_rows(content, record));
    auto origin = *import_origin(request).map();
    origin["made_by"] = content.made_by;
    origin["made_at"] = content.made_at;
    record.detail.map()->insert_or_assign("imported", std::move(origin));
    record.started = begun.microseconds;
    record.duration = (now() - begun).count();
    return record;
}

} // namespace respawn::component
