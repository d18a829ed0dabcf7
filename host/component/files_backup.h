// Walks the roots of a files component into a vault.
#pragma once

#include "component/component.h"

namespace respawn::component {

Result<vault::ComponentRecord> back_up_files(const config::ComponentSettings& settings,
                                             vault::Writer& into, const Work& work);

} // namespace respawn::component
