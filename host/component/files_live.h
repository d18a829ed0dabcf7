// Files coming back over the live ones.
#pragma once

#include "component/component.h"

namespace respawn::component {

Result<RestorePreview> preview_files(vault::Vault& from, const vault::ComponentRecord& record);
Result<RestoreReport> restore_files_live(vault::Vault& from, const vault::ComponentRecord& record,
                                         const Work& work);
Result<std::string> finish_files(const Work& work);
// The root tree of the last restore that was completed here; empty when there was none.
std::string last_restored(const io::Path& state);

} // namespace respawn::component
