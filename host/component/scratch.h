// A component of a backup, brought back to where nothing live is, to be looked at: what verifying does.
// Files and SQLite come back into a folder; a database server's would go to a scratch server.
#pragma once

#include "component/component.h"
#include "database/database.h"

namespace respawn::component {

// Gone with this, but for what lies in the folder it was given.
class ScratchCopy {
  public:
    virtual ~ScratchCopy() = default;
    virtual const RestoreReport& report() const = 0;
    // One statement that only reads, in the database's own SQL. Kind::usage where there are no tables.
    virtual Result<database::Rows> query(const std::string& sql) = 0;
};

// Into an empty folder of its own, verified against the record. Kind::no_space before anything is
// written; Kind::unsupported for a kind that cannot be brought back like that.
Result<std::unique_ptr<ScratchCopy>> restore_to_scratch(vault::Vault& from,
                                                        const vault::ComponentRecord& record,
                                                        const io::Path& folder, const Work& work);

} // namespace respawn::component
