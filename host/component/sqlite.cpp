#include "component/sqlite.h"

#include "base/text.h"
#include "component/in_use.h"
#include "component/metadata.h"
#include "component/page_pass.h"
#include "component/restore_record.h"
#include "component/sqlite_image.h"
#include "component/sqlite_restore.h"
#include "component/sqlite_survey.h"
#include "vault/image.h"

#include "base/bytes.h"

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

using vault::ComponentRecord;

namespace {

constexpr std::string_view cache_format = "respawn sqlite cache 2";

// What the last backup stored, and the state of the database it was of.
struct Remembered {
    Signature signature;
    vault::Content content;
    Value detail;
};

Result<Remembered> read_remembered(const io::Path& path) {
    const auto file = TRY(io::read_file(path, 64 << 20));
    if (file.size() < 32)
        return Error{ .kind = Kind::corrupt, .why = "too short" };
    const auto body = std::string_view(file).substr(32);
    if (crypto::sha256(body) != std::string_view(file).substr(0, 32))
        return Error{ .kind = Kind::corrupt, .why = "damaged" };
    const auto value = TRY(decode(body));
    const auto* signature = value.at("signature").blob();
    const auto* root = value.at("root").blob();
    if (value.text_at("format") != cache_format || !signature || !root || root->bytes.size() != 16)
        return Error{ .kind = Kind::corrupt, .why = "of another version" };
    Remembered found{ .signature = signature->bytes, .detail = value.at("detail") };
    found.content.size = static_cast<std::uint64_t>(value.integer_at("size"));
    found.content.depth = static_cast<std::uint8_t>(value.integer_at("depth"));
    std::memcpy(found.content.root.bytes.data(), root->bytes.data(), 16);
    return found;
}

Result<void> remember(const io::Path& path, const Remembered& what) {
    const auto& root = what.content.root.bytes;
    const auto body = encode(Value::Map{
        { "format", cache_format },
        { "signature", Blob{ what.signature } },
        { "root", Blob{ std::string(reinterpret_cast<const char*>(root.data()), root.size()) } },
        { "size", static_cast<std::int64_t>(what.content.size) },
        { "depth", static_cast<int>(what.content.depth) },
        { "detail", what.detail } });
    return io::replace_durably(path, crypto::sha256(body) + body);
}

class SqliteComponent final : public Component {
  public:
    SqliteComponent(config::ComponentSettings settings, Duration patience)
        : settings_(std::move(settings)), patience_(patience) {}

    const config::ComponentSettings& settings() const override { return settings_; }
    std::string place() const override { return settings_.path.string(); }
    Result<ComponentRecord> back_up(vault::Writer& into, const Work& work) override;
    Result<RestoreReport> restore_to(vault::Vault& from, const ComponentRecord& record,
                                     const io::Path& place, const Work& work) override;
    Result<RestorePreview> preview_restore(vault::Vault& from, const ComponentRecord& record) override;
    Result<RestoreReport> restore_live(vault::Vault& from, const ComponentRecord& record,
                                       const Work& work) override;
    Result<std::string> finish_restore(const Work& work) override;
    Result<bool> matches(vault::Vault& from, const ComponentRecord& record, const Work& work) override;
    Result<std::vector<std::string>> find_faults(const Work& work) override;

  private:
    // The database itself, where the configured path is a link to it.
    io::Path live() const;
    LockPatience patience(const Work& work) const { return { patience_, &work.cancel }; }
    Result<Remembered> store_image(vault::Writer& into, const Work& work);
    Result<Remembered> store_pages(vault::Writer& into, const Work& work, ImageView& view,
                                   const vault::Content& before);
    Result<vault::ChunkId> store_entry(vault::Writer& into, const vault::Content& content);
    Result<RestoreReport> switch_to(vault::Vault& from, const ComponentRecord& record, const Work& work,
                                    const Switch& plan);

    config::ComponentSettings settings_;
    Duration patience_;
};

io::Path SqliteComponent::live() const {
    std::error_code fault;
    auto resolved = std::filesystem::weakly_canonical(std::filesystem::absolute(settings_.path), fault);
    return fault ? std::filesystem::absolute(settings_.path) : resolved;
}

std::string what_is_empty(const Value& detail) {
    if (own_tables(detail) == 0)
        return "the database holds no tables";
    return own_rows(detail) == 0 ? "all tables of the database are empty" : "";
}

Result<ComponentRecord> SqliteComponent::back_up(vault::Writer& into, const Work& work) {
    ComponentRecord record{ .name = settings_.name, .kind = "sqlite", .started = now().microseconds };
    record.detail = Value::Map{ { "path", live().string() } };
    if (!io::is_there(live())) {
        record.success = false;
        record.error = fmt::format("{} is missing", printable(settings_.path.string()));
        return record;
    }
    const auto lock = TRY(hold_state(work.state));
    auto stored = TRY(store_image(into, work).while_doing("back up the database", settings_.name));
    record.tree = TRY(store_entry(into, stored.content));
    record.size_bytes = stored.content.size;
    record.files = 1;
    record.detail = std::move(stored.detail);
    record.error = what_is_empty(record.detail);
    record.duration = now().microseconds - record.started;
    return record;
}

Error about(Error error, const io::Path& copy, const io::Path& path) {
    const auto name = printable(copy.string());
    if (const auto at = error.why.find(name); at != std::string::npos)
        error.why.replace(at, name.size(), printable(path.string()));
    return error;
}

Result<Remembered> SqliteComponent::store_image(vault::Writer& into, const Work& work) {
    const auto cache = work.state / "sqlite.cache";
    auto last = read_remembered(cache); // lost or damaged: the database is read again
    const auto known = [&](const Signature& signature) {
        if (!last.ok() || signature.empty() || last.value().signature != signature)
            return false;
        const auto held = into.holds(last.value().content);
        return held.ok() && held.value();
    };
    const auto private_folder = work.state / "image";
    std::error_code ignored;
    std::filesystem::remove_all(private_folder, ignored); // of a killed backup
    TRY(io::make_folder(private_folder));
    const auto before = last.ok() ? last.value().content : vault::Content();
    Remembered fresh;
    const auto take = [&](ImageView& view) -> Result<void> {
        fresh = TRY(store_pages(into, work, view, before));
        return {};
    };
    const ImageRequest request{ live(), private_folder / "database", patience(work), take, known };
    auto image = take_image(request);
    std::filesystem::remove_all(private_folder, ignored);
    if (!image.ok()) // a copy is as damaged as what it is of: name that
        return about(std::move(image).error(), request.copy, live());
    if (!image.value().taken)
        return last;
    fresh.signature = image.value().signature;
    TRY(remember(cache, fresh));
    return fresh;
}

Result<Remembered> SqliteComponent::store_pages(vault::Writer& into, const Work& work, ImageView& view,
                                                const vault::Content& before) {
    Remembered stored;
    auto writer = TRY(vault::ImageWriter::begin(into, view.page_size(), before, work.state / "pages"));
    const auto take = [&, done = std::uint64_t{ 0 }](std::string_view block,
                                                     std::string_view digests) mutable -> Result<void> {
        TRY(work.cancel.check());
        done += block.size();
        if (work.progress)
            work.progress(done, std::uint64_t{ view.page_size() } * view.pages());
        return writer.add_block(block, digests);
    };
    stored.detail = TRY(survey(view, vault::PageHasher(into, view.page_size()), work.state, take));
    (*stored.detail.map())["path"] = live().string();
    stored.content = TRY(writer.finish());
    return stored;
}

Result<vault::ChunkId> SqliteComponent::store_entry(vault::Writer& into,
                                                    const vault::Content& content) {
    const auto path = live();
    const auto folder = TRY(open_folder(path.parent_path()));
    const auto name = path.filename().string();
    const auto status = TRY(stat_at(folder.number(), name, path));
    if (!status)
        return io::system_error("look at", path, ENOENT);
    Owners owners;
    auto entry = TRY(describe(folder.number(), name, *status, owners, path));
    entry.type = vault::EntryType::file;
    entry.size = content.size;
    entry.content = content;
    return into.store_tree({ std::move(entry) });
}

RestoreReport report_of(const ComponentRecord& record, Value checked, const Notes& notes,
                        Moment begun) {
    return { .size_bytes = record.size_bytes,
             .files = 1,
             .notes = notes.lines(),
             .checked = std::move(checked),
             .duration = (now() - begun).count() };
}

Error not_empty(const io::Path& place) {
    return { .kind = Kind::conflict,
             .why = fmt::format("{} is not empty", printable(place.string())),
             .fix = "name a place that is missing or an empty folder" };
}

Result<RestoreReport> SqliteComponent::restore_to(vault::Vault& from, const ComponentRecord& record,
                                                  const io::Path& place, const Work& work) {
    const auto begun = now();
    const auto entry = TRY(database_entry(from, record));
    auto target = std::filesystem::absolute(place);
    if (std::filesystem::is_directory(target) || !target.has_filename()) {
        if (std::filesystem::is_directory(target) && !std::filesystem::is_empty(target))
            return not_empty(place);
        target /= entry.name;
    } else if (io::is_there(target)) {
        return not_empty(place);
    }
    TRY(io::make_folder(target.parent_path()));
    // Under another name until it is verified: a killed restore leaves nothing that looks right.
    const auto incoming = incoming_name(target, begun);
    Notes notes;
    auto checked = TRY(write_verified(from, record, incoming, work, notes));
    if (::renameat2(AT_FDCWD, incoming.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
        const int why = errno;
        ::unlink(incoming.c_str());
        return io::system_error("create", target, why);
    }
    TRY(io::sync_folder(target.parent_path()));
    return report_of(record, std::move(checked), notes, begun);
}

std::string age_of(const io::Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return "";
    const Moment changed{ nanoseconds(status.st_mtim) / 1000 };
    return fmt::format("{}, changed {} ago", human_size(static_cast<std::uint64_t>(status.st_size)),
                       human_duration(now() - changed));
}

Result<RestorePreview> SqliteComponent::preview_restore(vault::Vault& from,
                                                        const ComponentRecord& record) {
    const auto entry = TRY(database_entry(from, record));
    const auto taken = to_rfc3339({ record.started }, true);
    const auto path = printable(live().string());
    RestorePreview preview{ .bytes_needed = entry.size };
    preview.lines.push_back(
        io::is_there(live())
            ? fmt::format("replace {} ({}) with the backup of {} ({})", path, age_of(live()), taken,
                          human_size(entry.size))
            : fmt::format("create {} from the backup of {} ({})", path, taken, human_size(entry.size)));
    const auto holders = holders_of(files_of(live()));
    if (!holders.empty())
        preview.lines.push_back(
            fmt::format("it is open in {}: stop what uses it first", describe_holders(holders)));
    return preview;
}

Result<RestoreReport> SqliteComponent::restore_live(vault::Vault& from, const ComponentRecord& record,
                                                    const Work& work) {
    TRY(finish_restore(work));
    const auto lock = TRY(hold_state(work.state));
    const auto present = now();
    const auto target = live();
    TRY(io::make_folder(target.parent_path()));
    const Switch plan{ target, incoming_name(target, present), aside_name(target, present) };
    auto done = switch_to(from, record, work, plan);
    return std::move(done).while_doing("restore the database", settings_.name);
}

Result<RestoreReport> SqliteComponent::switch_to(vault::Vault& from, const ComponentRecord& record,
                                                 const Work& work, const Switch& plan) {
    const auto begun = now();
    const auto old = TRY(must_be_unused(plan.live)); // held until the new one stands there
    TRY(save_record(work.state, plan.value("copying")));
    Notes notes;
    auto checked = write_verified(from, record, plan.incoming, work, notes);
    if (!checked.ok()) {
        TRY(clear_record(work.state)); // the file is gone already
        return std::move(checked).error();
    }
    TRY(save_record(work.state, plan.value("switching")));
    TRY(switch_in(plan));
    TRY(clear_record(work.state));
    auto report = report_of(record, std::move(checked).value(), notes, begun);
    if (io::is_there(plan.aside))
        report.kept_aside.push_back(plan.aside);
    return report;
}

Result<std::string> SqliteComponent::finish_restore(const Work& work) {
    const auto record = TRY(load_record(work.state));
    if (!record)
        return std::string();
    const auto lock = TRY(hold_state(work.state));
    auto did = TRY(finish_switch(*record).while_doing("finish an interrupted restore", settings_.name));
    TRY(clear_record(work.state));
    return did;
}

Result<bool> SqliteComponent::matches(vault::Vault& from, const ComponentRecord& record,
                                      const Work& work) {
    if (!io::is_there(live()))
        return false;
    const auto folder = TRY(io::TemporaryFolder::make(work.state));
    std::string found;
    const auto take = [&](ImageView& view) -> Result<void> {
        const auto read = [&](std::uint32_t first, std::uint32_t count) -> Result<std::string> {
            TRY(work.cancel.check());
            return view.read(first, count);
        };
        found = TRY(pass_over(
            { view.page_size(), view.pages(), read, vault::PageHasher(from, view.page_size()) }));
        return {};
    };
    const auto taken = take_image({ live(), folder.path() / "database", patience(work), take });
    if (!taken.ok() && taken.error().kind != Kind::corrupt)
        return taken.error();
    return taken.ok() && found == record.detail.text_at("image");
}

std::vector<std::string> header_faults(std::string_view header, std::uint64_t size,
                                       const io::Path& path) {
    const auto name = printable(path.string());
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(header[at]); };
    if (size == 0)
        return { fmt::format("{} is empty (0 bytes)", name) };
    if (header.size() < 100 || !header.starts_with(std::string_view("SQLite format 3\0", 16)))
        return { fmt::format("{} is not an SQLite database: its header is damaged", name) };
    const std::uint64_t page = byte(16) * 256U + byte(17) == 1 ? 65536 : byte(16) * 256U + byte(17);
    if (page < 512 || (page & (page - 1)) != 0)
        return { fmt::format("{} has a damaged header: {} is no page size", name, page) };
    const std::uint64_t pages =
        (std::uint64_t{ byte(28) } << 24) | (byte(29) << 16) | (byte(30) << 8) | byte(31);
    const bool size_counts =
        header.substr(24, 4) == header.substr(92, 4); // else an old SQLite wrote last
    const bool wal = byte(18) == 2;
    if (size_counts && !wal && size < pages * page)
        return { fmt::format("{} is truncated: {} of {}", name, human_size(size),
                             human_size(pages * page)) };
    return {};
}

Result<std::vector<std::string>> SqliteComponent::find_faults(const Work& work) {
    const auto path = live();
    if (!io::is_there(path))
        return std::vector<std::string>{ fmt::format("{} is missing", printable(path.string())) };
    const auto lines_of = [&](const SqliteHandle& database) -> Result<std::vector<std::string>> {
        auto found = check_integrity(database);
        if (!found.ok() && found.error().kind == Kind::corrupt)
            return std::vector<std::string>{ about(found.error(), database.path(), path).why };
        auto lines = TRY(std::move(found)).damage;
        for (auto& line : lines)
            line = fmt::format("{}: {}", printable(path.string()), line);
        return lines;
    };
    const auto source = TRY(SqliteHandle::open(path, SqliteHandle::Access::read_only, patience(work)));
    const auto header = TRY(source.read_raw(0, 100));
    auto faults = header_faults(header, TRY(source.raw_size()), path);
    if (!faults.empty())
        return faults;
    if (!TRY(needs_recovery(source))) {
        const auto reader =
            TRY(SqliteHandle::open(path, SqliteHandle::Access::read_only, patience(work)));
        return lines_of(reader);
    }
    const auto folder = TRY(io::TemporaryFolder::make(work.state));
    const auto copied = copy_at_rest(source, folder.path() / "database", patience(work));
    if (!copied.ok() && copied.error().kind == Kind::corrupt)
        return std::vector<std::string>{ fmt::format("{} is damaged", printable(path.string())) };
    TRY(Result<void>(copied));
    const auto copy =
        TRY(SqliteHandle::open(folder.path() / "database", SqliteHandle::Access::own, patience(work)));
    return lines_of(copy);
}

} // namespace

std::unique_ptr<Component> open_sqlite(const config::ComponentSettings& settings, Duration patience) {
    return std::make_unique<SqliteComponent>(settings, patience);
}

} // namespace respawn::component
