// A foreign tar archive as a component of a snapshot. It goes straight into the vault: nothing is
// unpacked to a disk, so nothing in it can lead anywhere.
#pragma once

#include "component/component.h"

namespace respawn::component {

struct ImportLimits {
    std::uint64_t bytes = UINT64_MAX;  // of all files, holes included
    std::uint64_t entries = 1'000'000; // names and metadata are held in memory until the end
    std::uint64_t ratio = 200;         // unpacked to packed, once more than 256 MiB are unpacked
    bool outside_links = false;        // take links that lead out of the archive
};

struct ImportRequest {
    io::Path file;
    std::string component;
    std::vector<io::Path>
        live_paths; // of the component, where it is configured: a live restore finds them
    ImportLimits limits;
};

// The whole archive or nothing: Kind::denied for absolute names, "..", names below a link or a file,
// links that lead outside, devices, names twice, more than the limits; Kind::corrupt for damage.
// Entries may come in any order; folders that are not named get mode 755. The record's detail says
// where it came from.
Result<vault::ComponentRecord> import_archive(vault::Writer& into, const ImportRequest& request,
                                              const Work& work);
// One file as it is, after it was found to be JSON.
Result<vault::ComponentRecord> import_json(vault::Writer& into, const ImportRequest& request,
                                           const Work& work);
// A database, checked with integrity_check; what lies beside it as -wal or -journal counts.
Result<vault::ComponentRecord> import_database(vault::Writer& into, const ImportRequest& request,
                                               const Work& work);

// {file, time}: where a record says that it came from.
Value import_origin(const ImportRequest& request);

} // namespace respawn::component
