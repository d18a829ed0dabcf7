// Parts of a snapshot as a tar archive that every tar can read.
#pragma once

#include "component/archive.h"
#include "component/part.h"

namespace respawn::component {

struct ArchiveReport {
    std::uint64_t entries = 0, files = 0, size_bytes = 0;
    std::uint64_t archive_bytes = 0;
    std::vector<std::string> notes; // what an archive cannot hold
};

// Kind::conflict when the name is taken.
Result<void> must_be_free(const io::Path& to);

// Streams into a new file, durable, whole and never over another: it gets its name only after it was
// read back from the disk and found to hold, entry by entry and byte by byte, what went in. One part
// has the paths of its component ("opt/wox/a.txt"); several have their component's name in front.
// Memory stays flat.
Result<ArchiveReport> export_archive(vault::Vault& from, const std::vector<Part>& parts,
                                     const io::Path& to, ArchiveForm form, const Work& work);

} // namespace respawn::component
