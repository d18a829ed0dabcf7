// Tar archives (pax, ustar, GNU) as streams: entries of a vault's trees on one side, libarchive on the
// other. Names are bytes. What is read is foreign: nothing in it is trusted here but its being a tar.
#pragma once

#include "io/file.h"
#include "io/stream.h"
#include "vault/object.h"

#include <memory>
#include <optional>

namespace respawn::component {

enum class ArchiveForm { tar, tar_gz, tar_zst };
// By the name's end: .tar, .tar.gz, .tgz, .tar.zst, .tzst. Nothing for another.
std::optional<ArchiveForm> archive_form(const io::Path& file);

// One entry as an archive has it. Of the TreeEntry all but content, tree, extents and hard_link counts.
struct ArchiveEntry {
    std::string path; // as written; a folder's without the '/' at its end
    vault::TreeEntry entry;
    std::optional<std::string> same_as; // a further name of the file with this path
    std::vector<std::string> notes;     // what of it cannot be kept
};

class ArchiveWriter {
  public:
    // Writes to a descriptor that must stay open.
    static Result<ArchiveWriter> open(int file, const io::Path& shown, ArchiveForm form);
    ArchiveWriter(ArchiveWriter&&) noexcept;
    ~ArchiveWriter();
    // After a file's entry its bytes follow, holes as zeros; where entry.extents say so, the holes are
    // left out of the archive.
    Result<void> begin(const ArchiveEntry& entry);
    Result<void> write(std::string_view bytes);
    Result<void> finish();

  private:
    struct State;
    explicit ArchiveWriter(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

class ArchiveReader {
  public:
    // Reads a descriptor, which must stay open, from its beginning. Kind::corrupt when it is no
    // archive.
    static Result<ArchiveReader> open(int file, const io::Path& shown);
    ArchiveReader(ArchiveReader&&) noexcept;
    ~ArchiveReader();
    // Nothing at the end. Kind::corrupt for damage.
    Result<std::optional<ArchiveEntry>> next();
    // Of the entry at hand: a stretch of its bytes and where it lies; empty at its end. Valid until the
    // next call. Stretches come in order; what is between them is a hole.
    struct Stretch {
        std::uint64_t offset = 0;
        std::string_view bytes;
    };
    Result<Stretch> data();
    std::uint64_t packed_bytes() const; // read from the file so far

  private:
    struct State;
    explicit ArchiveReader(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace respawn::component
