// Files and folders, written so that a power cut leaves the old or the new, never half.
// Paths are bytes: a name need not be UTF-8. Errors name the path and what the system said.
#pragma once

#include "base/result.h"
#include "io/stream.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace respawn::io {

using Path = std::filesystem::path;

// Closes its descriptor when it goes.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor() { close(); }
    int number() const { return number_; }
    bool open() const { return number_ >= 0; }
    int release();
    void close();

  private:
    int number_ = -1;
};

// The Error for errno after a failed call: kind by number (ENOENT missing, EEXIST conflict, EACCES
// denied, ENOSPC and EDQUOT no_space), "could not open /x: No such file or directory".
Error system_error(std::string_view action, const Path& path, int number);

Result<Descriptor> open_to_read(const Path& path);
// A new file; Kind::conflict when the name is taken.
Result<Descriptor> open_new(const Path& path, mode_t mode = 0600);
Result<void> write_fully(int descriptor, std::string_view bytes, const Path& path);
// At an offset; short only at the end of the file.
Result<std::string> read_at(int descriptor, std::uint64_t offset, std::size_t size, const Path& path);

Result<void> sync_file(int descriptor, const Path& path);
// Makes creations, renames and removals in a folder durable.
Result<void> sync_folder(const Path& folder);

// With all parents, each durable before the next. Nothing when it is there.
Result<void> make_folder(const Path& path, mode_t mode = 0700);
// Writes beside, syncs, links under the name, syncs the folder: afterwards the file is there whole and
// durable, or not at all. Kind::conflict when the name is taken.
Result<void> create_durably(const Path& path, Source& bytes, mode_t mode = 0600);
Result<void> create_durably(const Path& path, std::string_view bytes, mode_t mode = 0600);
// The same with rename: the name has the old bytes or the new.
Result<void> replace_durably(const Path& path, std::string_view bytes, mode_t mode = 0600);
// Removes one file and makes that durable. Nothing when it is missing.
Result<void> remove_durably(const Path& path);
// rename(2) within one file system, made durable; both folders are synced.
Result<void> rename_durably(const Path& from, const Path& to);

Result<std::string> read_file(const Path& path, std::size_t limit = SIZE_MAX);
bool is_there(const Path& path);
// Bytes a normal user can still write on the file system that holds path (or its nearest parent).
Result<std::uint64_t> free_space(const Path& path);

// Reads a file from its beginning.
class FileSource final : public Source {
  public:
    static Result<FileSource> open(const Path& path);
    FileSource(Descriptor descriptor, Path path)
        : descriptor_(std::move(descriptor)), path_(std::move(path)) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override;

  private:
    Descriptor descriptor_;
    Path path_;
};

// Holds a lock on a file while it lives; the system lets go of it when the process dies.
class FileLock {
  public:
    // Empty when another process (or another FileLock) holds it. The file is created when missing.
    static Result<std::optional<FileLock>> try_lock(const Path& path);
    static Result<FileLock> lock(const Path& path);

  private:
    explicit FileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
    Descriptor descriptor_;
};

// A folder of its own, mode 700, removed with all that is in it when this goes.
class TemporaryFolder {
  public:
    // Below `parent`, or the system's temporary folder.
    static Result<TemporaryFolder> make(const Path& parent = {});
    TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TemporaryFolder& operator=(TemporaryFolder&&) = delete;
    ~TemporaryFolder();
    const Path& path() const { return path_; }

  private:
    explicit TemporaryFolder(Path path) : path_(std::move(path)) {}
    Path path_;
};

} // namespace respawn::io
