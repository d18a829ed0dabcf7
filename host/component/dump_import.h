// A SQL dump of MariaDB or MySQL as a component of a snapshot: its tables are made in a database of
// their own at the component's scratch server and backed up from there as they would be from the live
// one.
#pragma once

#include "component/archive_import.h"
#include "component/scratch.h"

namespace respawn::component {

struct DumpChoice {
    std::string database = {}; // of a dump of several
    bool without_end = false;  // one that nothing at its end shows to be whole counts as whole
};

// The whole dump or nothing. Kind::denied for what no dump contains, Kind::corrupt for one that is cut
// short or damaged, Kind::failed_check where the server did not take each row. `place` names a server.
Result<vault::ComponentRecord> import_dump(vault::Writer& into, const ImportRequest& request,
                                           const DumpChoice& choice, const ScratchPlace& place,
                                           const Work& work);

} // namespace respawn::component
