// The place below `scratch: { folder: … }` where backups are brought back to be looked at, one command
// at a time.
#pragma once

#include "io/file.h"

namespace respawn::run {

struct ScratchFolder {
    io::FileLock lock;
    io::Path folder; // with what an earlier command has left there removed
    std::string id;  // the same as long as the folder is there: begins the names at a server

    // Kind::leased while another command works there.
    static Result<ScratchFolder> take(const io::Path& parent);
};

// So that what came back with folders that nobody may write can be removed again.
void open_up(const io::Path& folder);

} // namespace respawn::run
