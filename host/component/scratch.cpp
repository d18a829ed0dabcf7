#include "component/scratch.h"

#include "base/text.h"
#include "component/scratch_server.h"

#include <fmt/format.h>

namespace respawn::component {

namespace {

constexpr std::uint64_t spare_bytes = 64 << 20;

class FilesCopy final : public ScratchCopy {
  public:
    FilesCopy(config::ComponentSettings settings, RestoreReport report)
        : settings_(std::move(settings)), report_(std::move(report)) {}
    const RestoreReport& report() const override { return report_; }
    config::ComponentSettings settings() const override { return settings_; }
    Result<database::Rows> query(const std::string&) override {
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("component {} holds files, no tables",
                                         printable(settings_.name)) };
    }

  private:
    config::ComponentSettings settings_;
    RestoreReport report_;
};

class SqliteCopy final : public ScratchCopy {
  public:
    SqliteCopy(config::ComponentSettings settings, std::unique_ptr<database::Database> database,
               RestoreReport report)
        : settings_(std::move(settings)), database_(std::move(database)), report_(std::move(report)) {}
    const RestoreReport& report() const override { return report_; }
    config::ComponentSettings settings() const override { return settings_; }
    Result<database::Rows> query(const std::string& sql) override { return database_->query(sql, {}); }

  private:
    config::ComponentSettings settings_;
    std::unique_ptr<database::Database> database_;
    RestoreReport report_;
};

Result<void> must_have_room(const io::Path& folder, std::uint64_t bytes) {
    const auto free = TRY(io::free_space(folder));
    if (free >= bytes + spare_bytes)
        return {};
    return Error{ .kind = Kind::no_space,
                  .why =
                      fmt::format("{} are needed in {}, {} are free", human_size(bytes + spare_bytes),
                                  printable(folder.string()), human_size(free)),
                  .fix = "free some space there, or name another place: scratch: { folder: PATH }" };
}

Result<std::unique_ptr<ScratchCopy>> files_copy(vault::Vault& from,
                                                const vault::ComponentRecord& record,
                                                const ScratchPlace& place, const Work& work) {
    TRY(must_have_room(place.folder, record.size_bytes));
    const auto recorded = TRY(open_recorded(record));
    auto report = TRY(recorded->restore_to(from, record, place.folder, work));
    auto settings = recorded->settings();
    for (auto& path : settings.paths) // each lies below the folder under its absolute path
        path = place.folder / path.relative_path();
    return std::unique_ptr<ScratchCopy>(
        std::make_unique<FilesCopy>(std::move(settings), std::move(report)));
}

Result<std::unique_ptr<ScratchCopy>> sqlite_copy(vault::Vault& from,
                                                 const vault::ComponentRecord& record,
                                                 const ScratchPlace& place, const Work& work) {
    TRY(must_have_room(place.folder, record.size_bytes));
    const auto file = place.folder / "scratch.db";
    auto report = TRY(TRY(open_recorded(record))->restore_to(from, record, file, work));
    const config::ComponentSettings settings{ .name = record.name, .kind = record.kind, .path = file };
    auto database = TRY(database::open_database(settings));
    return std::unique_ptr<ScratchCopy>(
        std::make_unique<SqliteCopy>(settings, std::move(database), std::move(report)));
}

Result<std::unique_ptr<ScratchCopy>> server_copy(vault::Vault& from,
                                                 const vault::ComponentRecord& record,
                                                 const ScratchPlace& place, const Work& work) {
    if (place.server && place.live)
        return copy_to_server(from, record, place, work);
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("there is no server to copy {} to", printable(record.name)),
                  .fix = fmt::format("write scratch: {{ {}: \"mysql://respawn_scratch@HOST:PORT/\" }} "
                                     "(docs/verifying.md)",
                                     printable(record.name)) };
}

struct ScratchKind {
    std::string_view name;
    Result<std::unique_ptr<ScratchCopy>> (*restore)(vault::Vault&, const vault::ComponentRecord&,
                                                    const ScratchPlace&, const Work&);
};
// The list: another kind is one line.
constexpr ScratchKind scratch_kinds[] = { { "files", files_copy },
                                          { "sqlite", sqlite_copy },
                                          { "mariadb", server_copy } };

} // namespace

Result<std::unique_ptr<ScratchCopy>> restore_to_scratch(vault::Vault& from,
                                                        const vault::ComponentRecord& record,
                                                        const ScratchPlace& place, const Work& work) {
    for (const auto& kind : scratch_kinds)
        if (kind.name == record.kind)
            return kind.restore(from, record, place, work);
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("component {} is of kind {}, which has no scratch place yet",
                                     printable(record.name), printable(record.kind)) };
}

} // namespace respawn::component
