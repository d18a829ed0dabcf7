#include "component/files_tree.h"

#include "base/text.h"
#include "component/file_batch.h"
#include "component/file_bytes.h"
#include "component/restore_record.h"

#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace respawn::component {

using vault::EntryType;
using vault::TreeEntry;

Result<vault::Tree> sound_tree(vault::Vault& from, const vault::ChunkId& id) {
    auto tree = TRY(from.tree(id));
    const std::string* last = nullptr;
    for (const auto& entry : tree) {
        if (!is_plain_name(entry.name) || (last && *last >= entry.name))
            return Error{ .kind = Kind::corrupt,
                          .why = fmt::format("the backup holds a name that no folder can have: {}",
                                             printable(entry.name)),
                          .fix = "do not trust this snapshot; restore an older one" };
        if (entry.type == EntryType::file)
            TRY(must_be_sound(entry));
        last = &entry.name;
    }
    return tree;
}

Error too_deep(const io::Path& path) {
    return { .kind = Kind::corrupt,
             .why = fmt::format("{} is nested more than {} deep", printable(path.string()),
                                deepest_tree) };
}

namespace {

Result<void> create_file(vault::Vault& from, int folder, const std::string& name,
                         const TreeEntry& entry, const Cancellation& cancel, const io::Path& shown,
                         int like) {
    const io::Descriptor file(
        ::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file.open())
        return io::system_error("create", shown, errno);
    return write_bytes(from, entry, file.number(), shown, cancel, like);
}

mode_t special_type(EntryType type) {
    switch (type) {
    case EntryType::fifo:
        return S_IFIFO;
    case EntryType::socket:
        return S_IFSOCK;
    case EntryType::block_device:
        return S_IFBLK;
    default:
        return S_IFCHR;
    }
}

Result<bool> create_special(int folder, const std::string& name, const TreeEntry& entry, Notes& notes,
                            const io::Path& shown) {
    if (::mknodat(folder, name.c_str(), special_type(entry.type) | 0600, entry.device) == 0)
        return true;
    if (errno != EPERM)
        return io::system_error("create", shown, errno);
    notes.add(fmt::format("{} was left out: devices take root", printable(shown.string())));
    return false;
}

} // namespace

Result<bool> create_entry(vault::Vault& from, int folder, const std::string& name,
                          const TreeEntry& entry, Owners& owners, Notes& notes,
                          const Cancellation& cancel, const io::Path& shown, int like) {
    if (entry.type == EntryType::file) {
        TRY(create_file(from, folder, name, entry, cancel, shown, like));
    } else if (entry.type == EntryType::symlink) {
        if (::symlinkat(entry.target.c_str(), folder, name.c_str()) != 0)
            return io::system_error("create link", shown, errno);
    } else if (!TRY(create_special(folder, name, entry, notes, shown))) {
        return false;
    }
    TRY(put_back_metadata(folder, name, entry, owners, notes, shown));
    return true;
}

Result<io::Descriptor> open_below(int top, const std::vector<std::string>& names,
                                  const io::Path& shown) {
    io::Descriptor folder(::openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder.open())
        return io::system_error("open folder", shown, errno);
    for (const auto& name : names)
        folder = TRY(open_folder_at(folder.number(), name, shown));
    return folder;
}

Result<void> must_have_space(const io::Path& place, std::uint64_t needed) {
    const auto free = TRY(io::free_space(place));
    if (free >= needed)
        return {};
    return Error{ .kind = Kind::no_space,
                  .why = fmt::format("the restore takes {}, and {} has {} free", human_size(needed),
                                     printable(place.string()), human_size(free)),
                  .fix = "free some space there, or restore to another place with --to" };
}

namespace {

class Restorer {
  public:
    Restorer(vault::Vault& from, const vault::ComponentRecord& record, const Work& work, int top,
             const RootNode* only)
        : from_(from), record_(record), work_(work), top_(top), only_(only),
          batch_(from, owners_, notes_, work.cancel) {}

    Result<void> run(const FileBatch::Folder& top, const io::Path& path) {
        TRY(fill(top, record_.tree, path));
        return batch_.flush();
    }
    RestoreReport report() const {
        return { .size_bytes = bytes_, .files = files_, .notes = notes_.lines() };
    }

  private:
    Result<void> fill(const FileBatch::Folder& folder, const vault::ChunkId& id, const io::Path& path) {
        if (names_.size() > deepest_tree)
            return too_deep(path);
        for (const auto& entry : TRY(sound_tree(from_, id))) {
            TRY(work_.cancel.check());
            if (is_wanted(entry.name))
                TRY(put(folder, entry, path / entry.name));
        }
        return {};
    }

    // Of an entry in the folder that names_ leads to.
    bool is_wanted(const std::string& name) const {
        const auto* node = only_;
        for (std::size_t i = 0; node && !node->whole && i <= names_.size(); ++i) {
            const auto below = node->below.find(i < names_.size() ? names_[i] : name);
            if (below == node->below.end())
                return false;
            node = &below->second;
        }
        return true;
    }

    Result<void> put(const FileBatch::Folder& folder, const TreeEntry& entry, const io::Path& path) {
        if (entry.type == EntryType::folder)
            return put_folder(folder, entry, path);
        if (entry.hard_link != 0 && links_.contains(entry.hard_link))
            return put_link(folder, entry, path);
        if (entry.type == EntryType::file)
            TRY(batch_.add(folder, entry, path));
        else if (!TRY(create_entry(from_, folder->number(), entry.name, entry, owners_, notes_,
                                   work_.cancel, path)))
            return {};
        if (entry.hard_link != 0)
            links_[entry.hard_link] = { names_, entry.name };
        return count(entry);
    }

    Result<void> put_folder(const FileBatch::Folder& folder, const TreeEntry& entry,
                            const io::Path& path) {
        if (::mkdirat(folder->number(), entry.name.c_str(), 0700) != 0)
            return io::system_error("create folder", path, errno);
        const auto below = std::make_shared<const io::Descriptor>(
            TRY(open_folder_at(folder->number(), entry.name, path)));
        names_.push_back(entry.name);
        TRY(fill(below, entry.tree, path));
        names_.pop_back();
        // Last: what is put inside changes its time, and its mode may forbid to.
        TRY(batch_.then([this, folder, entry, path] {
            return put_back_metadata(folder->number(), entry.name, entry, owners_, notes_, path);
        }));
        return batch_.note_folder();
    }

    // When the first name is there.
    Result<void> put_link(const FileBatch::Folder& folder, const TreeEntry& entry,
                          const io::Path& path) {
        const auto& first = links_[entry.hard_link];
        TRY(batch_.then([this, folder, first, name = entry.name, path]() -> Result<void> {
            const auto there = TRY(open_below(top_, first.first, path));
            if (::linkat(there.number(), first.second.c_str(), folder->number(), name.c_str(), 0) != 0)
                return io::system_error("link", path, errno);
            return {};
        }));
        return count(entry);
    }

    // A record that was tampered with must not fill the disk: what it promised was checked for space.
    Result<void> count(const TreeEntry& entry) {
        if (entry.type != EntryType::file)
            return {};
        ++files_;
        bytes_ += entry.size;
        if (bytes_ > record_.size_bytes || files_ > record_.files)
            return Error{ .kind = Kind::corrupt, .why = "the backup holds more than its record says" };
        if (work_.progress)
            work_.progress(bytes_, record_.size_bytes);
        return {};
    }

    vault::Vault& from_;
    const vault::ComponentRecord& record_;
    const Work& work_;
    int top_;
    const RootNode* only_;
    std::vector<std::string> names_; // of the folders from the top to here
    std::map<std::uint64_t, std::pair<std::vector<std::string>, std::string>> links_;
    Owners owners_;
    Notes notes_;
    FileBatch batch_;
    std::uint64_t files_ = 0, bytes_ = 0;
};

Result<void> must_be_empty(const io::Path& place) {
    std::error_code fault;
    if (!io::is_there(place) ||
        (std::filesystem::is_directory(place) && std::filesystem::is_empty(place, fault)))
        return {};
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} is not an empty folder", printable(place.string())),
                  .fix = "name a place that is missing or empty" };
}

} // namespace

Result<RestoreReport> restore_files_to(vault::Vault& from, const vault::ComponentRecord& record,
                                       const io::Path& place, const Work& work, const RootNode* only) {
    const auto begun = now();
    TRY(must_have_data(record));
    TRY(must_be_empty(place));
    TRY(must_have_space(place, record.size_bytes));
    TRY(io::make_folder(std::filesystem::absolute(place)));
    const auto top = std::make_shared<const io::Descriptor>(TRY(open_folder(place)));
    Restorer restorer(from, record, work, top->number(), only);
    TRY(restorer.run(top, place));
    auto report = restorer.report();
    if (report.files != record.files || report.size_bytes != record.size_bytes)
        return Error{ .kind = Kind::failed_check,
                      .why =
                          fmt::format("{} came back, the backup had {}", counted(report.files, "file"),
                                      counted(record.files, "file")) };
    if (::syncfs(top->number()) != 0) // one for all of them
        return io::system_error("make durable", place, errno);
    report.checked = Value::Map{ { "files", static_cast<std::int64_t>(report.files) },
                                 { "bytes", static_cast<std::int64_t>(report.size_bytes) } };
    report.duration = (now() - begun).count();
    return report;
}

} // namespace respawn::component
