#include "component/file_batch.h"

#include "component/file_bytes.h"
#include "component/files_tree.h"

#include <fcntl.h>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t most_files = 4096, most_steps = 4096;
constexpr std::size_t most_folders = 100; // their descriptors stay open

bool is_small(const vault::TreeEntry& entry) { return entry.content.depth == 0; }

} // namespace

Result<void> FileBatch::add(const Folder& folder, const vault::TreeEntry& entry,
                            const io::Path& shown) {
    files_.push_back({ folder, entry, shown, owners_.user_here(entry), owners_.group_here(entry) });
    return files_.size() >= most_files ? flush() : Result<void>();
}

Result<void> FileBatch::then(std::function<Result<void>()> step) {
    steps_.push_back(std::move(step));
    return steps_.size() >= most_steps ? flush() : Result<void>();
}

Result<void> FileBatch::note_folder() { return ++folders_ >= most_folders ? flush() : Result<void>(); }

Result<void> FileBatch::flush() {
    std::vector<const File*> small;
    for (const auto& file : files_)
        if (is_small(file.entry))
            small.push_back(&file);
    TRY(make_all_small(small));
    for (const auto& file : files_)
        if (!is_small(file.entry))
            TRY(create_entry(from_, file.folder->number(), file.entry.name, file.entry, owners_, notes_,
                             cancel_, file.shown));
    for (const auto& step : steps_)
        TRY(step());
    files_.clear();
    steps_.clear();
    folders_ = 0;
    return {};
}

Result<void> FileBatch::make_all_small(const std::vector<const File*>& files) {
    std::vector<const File*> full;
    std::vector<vault::Content> contents;
    for (const auto* file : files) {
        if (file->entry.content.size == 0) {
            TRY(make_small(*file, {}));
            continue;
        }
        full.push_back(file);
        contents.push_back(file->entry.content);
    }
    return from_.read_small(contents, [&](std::size_t which, std::string_view bytes) {
        return make_small(*full[which], bytes);
    });
}

Result<void> FileBatch::make_small(const File& file, std::string_view bytes) {
    const io::Descriptor made(::openat(file.folder->number(), file.entry.name.c_str(),
                                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!made.open())
        return io::system_error("create", file.shown, errno);
    TRY(write_plain(bytes, file.entry, made.number(), file.shown, cancel_));
    for (auto& line :
         TRY(finish_new_file(made.number(), file.entry, file.user, file.group, file.shown))) {
        const std::scoped_lock held(noting_);
        notes_.add(std::move(line));
    }
    return {};
}

} // namespace respawn::component
