#include "component/files.h"

#include "base/text.h"
#include "component/files_backup.h"
#include "component/files_live.h"
#include "component/files_roots.h"
#include "component/files_tree.h"
#include "component/metadata.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

namespace {

class FilesComponent final : public Component {
  public:
    explicit FilesComponent(config::ComponentSettings settings) : settings_(std::move(settings)) {}

    const config::ComponentSettings& settings() const override { return settings_; }
    std::string place() const override { return settings_.paths.front().string(); }
    Result<vault::ComponentRecord> back_up(vault::Writer& into, const Work& work) override {
        return back_up_files(settings_, into, work).while_doing("back up the files", settings_.name);
    }
    Result<RestoreReport> restore_to(vault::Vault& from, const vault::ComponentRecord& record,
                                     const io::Path& place, const Work& work) override {
        return restore_files_to(from, record, place, work)
            .while_doing("restore the files", settings_.name);
    }
    Result<RestorePreview> preview_restore(vault::Vault& from,
                                           const vault::ComponentRecord& record) override {
        return preview_files(from, record);
    }
    Result<RestoreReport> restore_live(vault::Vault& from, const vault::ComponentRecord& record,
                                       const Work& work) override {
        return restore_files_live(from, record, work).while_doing("restore the files", settings_.name);
    }
    Result<std::string> finish_restore(const Work& work) override {
        return finish_files(work).while_doing("finish an interrupted restore", settings_.name);
    }
    // Files have no checksums of their own in a record; a completed restore leaves word of itself.
    Result<bool> matches(vault::Vault&, const vault::ComponentRecord& record,
                         const Work& work) override {
        return last_restored(work.state) == to_hex(record.tree);
    }
    Result<std::vector<std::string>> find_faults(const Work& work) override;

  private:
    config::ComponentSettings settings_;
};

void look_below(int folder, const io::Path& path, int depth, const Cancellation& cancel, Notes& faults);

void look_at(int folder, const std::string& name, const io::Path& path, int depth,
             const Cancellation& cancel, Notes& faults) {
    const auto status = stat_at(folder, name, path);
    if (!status.ok())
        return faults.add(status.error().why);
    if (!status.value() || depth > deepest_tree || cancel.requested())
        return;
    if (S_ISREG(status.value()->st_mode) && ::faccessat(folder, name.c_str(), R_OK, AT_EACCESS) != 0)
        return faults.add(io::system_error("read", path, errno).why);
    if (!S_ISDIR(status.value()->st_mode))
        return;
    const auto below = open_folder_at(folder, name, path);
    if (!below.ok())
        return faults.add(below.error().why);
    look_below(below.value().number(), path, depth + 1, cancel, faults);
}

void look_below(int folder, const io::Path& path, int depth, const Cancellation& cancel,
                Notes& faults) {
    const auto names = names_in(folder, path);
    if (!names.ok())
        return faults.add(names.error().why);
    for (const auto& name : names.value())
        look_at(folder, name, path / name, depth, cancel, faults);
}

Result<std::vector<std::string>> FilesComponent::find_faults(const Work& work) {
    Notes faults, ignored;
    const auto roots = find_roots(settings_.paths, faults, ignored);
    for (const auto& path : roots.paths) {
        const auto parent = TRY(open_folder(path.parent_path()));
        const auto name = path.has_filename() ? path.filename().string() : ".";
        look_at(parent.number(), name, path, 0, work.cancel, faults);
        TRY(work.cancel.check());
    }
    return faults.lines();
}

} // namespace

std::unique_ptr<Component> open_files(const config::ComponentSettings& settings) {
    return std::make_unique<FilesComponent>(settings);
}

} // namespace respawn::component
