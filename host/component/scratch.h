// A component of a backup, brought back to where nothing live is: what verifying looks at, and what a
// rehearsal works on. Files and SQLite come back into a folder, MariaDB into a database of its own at a
// scratch server.
#pragma once

#include "component/component.h"
#include "database/database.h"

namespace respawn::component {

// Gone with this, but for what lies in the folder it was given.
class ScratchCopy {
  public:
    virtual ~ScratchCopy() = default;
    virtual const RestoreReport& report() const = 0;
    // The copy as a component of its own, to be opened like a live one and written to.
    virtual config::ComponentSettings settings() const = 0;
    // One statement that only reads, in the database's own SQL. Kind::usage where there are no tables.
    virtual Result<database::Rows> query(const std::string& sql) = 0;
};

// Where copies go.
struct ScratchPlace {
    io::Path folder; // an empty one of the copy's own
    // Of whoever uses the place, one at a time: letters and digits that begin the names at a server, so
    // that what was left there by one that was killed is known.
    std::string id = {};
    // For a component of a server's kind; null: none is configured.
    const config::ScratchServer* server = nullptr;
    const config::ComponentSettings* live = nullptr; // with `server`
};

// Verified against the record. Kind::no_space before anything is written; Kind::unsupported for what
// cannot be brought back like that, or has no server to go to.
Result<std::unique_ptr<ScratchCopy>> restore_to_scratch(vault::Vault& from,
                                                        const vault::ComponentRecord& record,
                                                        const ScratchPlace& place, const Work& work);

} // namespace respawn::component
