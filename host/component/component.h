// A component is one thing to protect. It knows how to put itself into a vault, how to come back from
// one to a new place, and how to switch what came back in for what is live, keeping the old aside.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "base/value.h"
#include "config/config.h"
#include "io/file.h"
#include "vault/vault.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace respawn::component {

// How far a backup or restore is, for whoever shows it; the total is 0 while it is not known. Called
// often; must be quick.
using Progress = std::function<void(std::uint64_t bytes_done, std::uint64_t bytes_total)>;

struct Work {
    const Cancellation& cancel;
    Progress progress = {};
    io::Path state = {}; // a folder of the component's own for caches and for the record of a restore
                         // under way
    std::vector<io::Path> keep_out = {}; // folders a backup never enters: the vault's own, the state
    // Of a database on a server: the tables a backup takes; all when empty. Others are always whole.
    std::vector<std::string> tables = {};
};

// What a restore did.
struct RestoreReport {
    std::uint64_t size_bytes = 0, files = 0;
    std::uint64_t unchanged_files = 0; // left alone because they were right already
    std::vector<io::Path> kept_aside;  // where what was replaced lies now
    std::vector<std::string>
        notes;     // what could not be brought back exactly, and why ("owner of x: not root")
    Value checked; // counts and sums compared with the snapshot's
    std::int64_t duration = 0; // microseconds
};

// What restore_live would do, for a person to read.
struct RestorePreview {
    std::vector<std::string>
        lines; // "replace /opt/…/saves.db (412 MiB, changed 3 min ago) with 01J… (410 MiB)"
    std::uint64_t bytes_needed = 0; // free space it takes
};

class Component {
  public:
    virtual ~Component() = default;
    virtual const config::ComponentSettings& settings() const = 0;
    // Where the live data is, for a person: a path, "wox at db.example:3306/game".
    virtual std::string place() const = 0;

    // Takes the component into the vault as of one moment. A component that cannot be read at all is an
    // Error; one that is empty, or whose declared source is missing, is a record whose `error` says so.
    virtual Result<vault::ComponentRecord> back_up(vault::Writer& into, const Work& work) = 0;

    // Brings a record back into `place`, which must be missing or empty, and verifies it against the
    // record.
    virtual Result<RestoreReport> restore_to(vault::Vault& from, const vault::ComponentRecord& record,
                                             const io::Path& place, const Work& work) = 0;

    virtual Result<RestorePreview> preview_restore(vault::Vault& from,
                                                   const vault::ComponentRecord& record) = 0;

    // Restores beside the live data, verifies, then switches it in; what was live is kept aside. Killed
    // at any moment, finish_restore() completes or rolls back. Kind::conflict while another process has
    // the data open.
    virtual Result<RestoreReport> restore_live(vault::Vault& from, const vault::ComponentRecord& record,
                                               const Work& work) = 0;
    // Completes or rolls back a restore_live that was killed; says what it did, empty when there was
    // none.
    virtual Result<std::string> finish_restore(const Work& work) = 0;

    // Is the live data what the record holds, page by page? False when it cannot be read.
    virtual Result<bool> matches(vault::Vault& from, const vault::ComponentRecord& record,
                                 const Work& work) = 0;

    // Is the live data sound? Empty when it is, else one line per fault. Never changes the live data.
    virtual Result<std::vector<std::string>> find_faults(const Work& work) = 0;
};

// The list of kinds (components.cpp). Kind::usage for an unknown kind, naming the known ones.
Result<std::unique_ptr<Component>> open_component(const config::ComponentSettings& settings);
// For a restore without configuration: the component a record describes, with its recorded paths.
Result<std::unique_ptr<Component>> open_recorded(const vault::ComponentRecord& record);

} // namespace respawn::component
