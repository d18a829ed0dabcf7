// One entry between the vault's form and libarchive's; ACLs between Linux's bytes and libarchive's
// list.
#pragma once

#include "component/archive.h"

struct archive_entry;

namespace respawn::component {

void to_libarchive(const ArchiveEntry& from, archive_entry* to);
// Kind::corrupt for numbers that no file can have and names that cannot be read.
Result<ArchiveEntry> from_libarchive(archive_entry* from);

} // namespace respawn::component
