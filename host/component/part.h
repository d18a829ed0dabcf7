// A part of a snapshot that is brought back or exported: components, or paths in them.
#pragma once

#include "component/component.h"
#include "component/files_roots.h"
#include "component/paths.h"

namespace respawn::component {

struct Part {
    vault::ComponentRecord record; // its size and files count what is wanted alone
    RootNode wanted;               // paths below the component's root
};

// What these paths mean (find_path), by component, in the snapshot's order. A sqlite component is
// always whole. Kind::missing names the nearest path that is there.
Result<std::vector<Part>> parts_at(vault::Vault& from, const vault::Snapshot& snapshot,
                                   const std::vector<std::string>& paths, const Cancellation& cancel);
Part whole_part(const vault::ComponentRecord& record);

// Every entry of it, folders before what is in them, by its path below the component's root.
using VisitPart = std::function<Result<void>(const std::string& path, const vault::TreeEntry& entry)>;
Result<void> walk_part(vault::Vault& from, const Part& part, const Cancellation& cancel,
                       const VisitPart& visit);

// Into a place that is missing or empty, with parents, verified; as Component::restore_to does.
Result<RestoreReport> restore_part(vault::Vault& from, const Part& part, const io::Path& place,
                                   const Work& work);

} // namespace respawn::component
