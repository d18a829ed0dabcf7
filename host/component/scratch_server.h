// A database server that copies of a component are made on: databases called respawn_scratch_…, and
// nothing else.
#pragma once

#include "component/scratch.h"
#include "component/scratch_database.h"

namespace respawn::component {

// What keeps copies of this component from being made there safely: a login that may reach more than
// copies, or less; no limit where the server is the component's own. An Error when it does not get in.
// Changes nothing.
Result<std::vector<database::Lack>> find_scratch_lacks(const config::ScratchServer& scratch,
                                                       const config::ComponentSettings& live);

// One that is not made yet, by a login that can reach nothing else. Kind::denied for what
// find_scratch_lacks() finds. What others with the same id left at the server, and do not use now, is
// dropped first.
Result<std::unique_ptr<ScratchDatabase>> take_scratch_database(const ScratchPlace& place, Notes& notes);

// A new database with the backup's tables, proved, and with harmless_objects(). Kind::no_space where
// the backup is larger than the place allows, Kind::denied for what find_scratch_lacks() finds. What
// others with the same id left at the server, and do not use now, is dropped first.
Result<std::unique_ptr<ScratchCopy>> copy_to_server(vault::Vault& from,
                                                    const vault::ComponentRecord& record,
                                                    const ScratchPlace& place, const Work& work);

} // namespace respawn::component
