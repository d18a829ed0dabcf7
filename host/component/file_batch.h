// Files on their way back, many at once: small ones on all cores, in the order in which they lie in the
// vault; large ones one after the other, each read ahead on all cores. Memory, and how many folders are
// open, stay bounded: a batch that is full is carried out.
#pragma once

#include "component/component.h"
#include "component/metadata.h"

#include <mutex>

namespace respawn::component {

class FileBatch {
  public:
    using Folder = std::shared_ptr<const io::Descriptor>;

    FileBatch(vault::Vault& from, Owners& owners, Notes& notes, const Cancellation& cancel)
        : from_(from), owners_(owners), notes_(notes), cancel_(cancel) {}

    // A file to be made under a new name, with its bytes and all that is known of it.
    Result<void> add(const Folder& folder, const vault::TreeEntry& entry, const io::Path& shown);
    // What must wait until the files added so far are there: a further name of one, a folder's own
    // time.
    Result<void> then(std::function<Result<void>()> step);
    // So that few are open at once.
    Result<void> note_folder();
    // Does all that was added, the files first, the rest in its order.
    Result<void> flush();

  private:
    struct File {
        Folder folder;
        vault::TreeEntry entry;
        io::Path shown;
        std::uint32_t user, group; // on this system
    };
    Result<void> make_small(const File& file, std::string_view bytes);
    Result<void> make_all_small(const std::vector<const File*>& files);

    vault::Vault& from_;
    Owners& owners_;
    Notes& notes_;
    const Cancellation& cancel_;
    std::vector<File> files_;
    std::vector<std::function<Result<void>()>> steps_;
    std::size_t folders_ = 0;
    std::mutex noting_;
};

} // namespace respawn::component
