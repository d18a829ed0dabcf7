// What the last backup stored of each file, so that an unchanged one is not read again. One file in the
// component's state folder, written anew by each backup and put in place durably at its end; read along
// with the walk, in the same order, so that memory stays flat. Losing or damaging it loses time only.
#pragma once

#include "base/time.h"
#include "io/file.h"
#include "vault/object.h"

#include <memory>
#include <optional>
#include <string>
#include <sys/stat.h>

namespace respawn::component {

using Extents = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

struct StoredFile {
    vault::Content content;
    Extents extents;
};

class FileCache {
  public:
    // `begun`: when the backup began. A file changed less than two seconds before that, or later, is
    // not remembered: it may change again without another time stamp.
    static Result<FileCache> open(const io::Path& state, Moment begun);
    // To ask only: what the last backup saw.
    static FileCache look(const io::Path& state);
    FileCache(FileCache&&) noexcept;
    ~FileCache();

    // Asked in the order of the walk: a folder's entries by name, each with all that is below it.
    std::optional<StoredFile> find(const io::Path& path, const struct stat& status);
    Result<void> add(const io::Path& path, const struct stat& status, const StoredFile& stored);
    // Replaces the old cache.
    Result<void> finish();

  private:
    struct State;
    explicit FileCache(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace respawn::component
