// Reading what a backup consists of.
#pragma once

#include "base/result.h"

namespace respawn::component {

// What a backup lacks of itself is damage; Kind::missing is for what was asked for and is not in it.
template <class T> Result<T> of_backup(Result<T> read) {
    if (!read.ok() && read.error().kind == Kind::missing)
        read.error().kind = Kind::corrupt;
    return read;
}

} // namespace respawn::component
