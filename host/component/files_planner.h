// What a live restore of files has to change.
#pragma once

#include "component/file_cache.h"
#include "component/files_plan.h"
#include "component/metadata.h"
#include "vault/vault.h"

namespace respawn::component {

// Compares the snapshot with what is live and, when staging, prepares what has to change.
class Planner {
  public:
    Planner(vault::Vault& from, const Cancellation& cancel) : from_(from), cancel_(cancel) {}
    // Staging; `state` has the cache of the last backup, which proves most files without reading them.
    Planner(vault::Vault& from, const Cancellation& cancel, const io::Path& state)
        : from_(from), cancel_(cancel), staging_(true), last_backup_(FileCache::look(state)) {}

    Result<void> add_root(const LiveRoot& root, const vault::TreeEntry& entry);

    Plan plan;
    Notes notes;
    std::uint64_t created = 0, replaced = 0, unchanged = 0, bytes = 0, newest_ns = 0;

    std::uint64_t extra() const { return extra_; }
    std::vector<std::string> all_notes() const;

  private:
    // Where a file of several names is, for the names that come after the first.
    struct First {
        std::optional<std::uint64_t> staged;
        std::uint32_t root = 0;
        std::vector<std::string> names;
        struct stat live {};
    };
    Result<void> visit(int folder, const vault::TreeEntry& entry, const io::Path& path);
    Result<void> visit_folder(int folder, const vault::TreeEntry& entry, const io::Path& path);
    Result<void> visit_below(int folder, const vault::Tree& tree, const io::Path& path);
    Result<bool> is_right(int folder, const vault::TreeEntry& entry, const struct stat& live,
                          const io::Path& path);
    Result<bool> stage(int folder, const vault::TreeEntry& entry, const io::Path& path);
    Result<bool> stage_link(const vault::TreeEntry& entry, const std::string& number,
                            const io::Path& path);
    Step step(Step::What what) const {
        return { .what = what,
                 .root = static_cast<std::uint32_t>(plan.roots.size() - 1),
                 .names = names_,
                 .staged = 0,
                 .metadata = {} };
    }

    vault::Vault& from_;
    const Cancellation& cancel_;
    bool staging_ = false;
    std::optional<FileCache> last_backup_;
    io::Descriptor staging_folder_;
    dev_t device_ = 0;
    std::vector<std::string> names_;
    std::map<std::uint64_t, First> links_;
    std::vector<std::string> extra_names_;
    std::uint64_t extra_ = 0, next_ = 1;
    Owners owners_;
};

} // namespace respawn::component
