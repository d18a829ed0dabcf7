// The entries of a foreign archive, grouped into folders, and the rules that they are held to.
#pragma once

#include "base/cancel.h"
#include "component/archive.h"
#include "component/metadata.h"
#include "vault/vault.h"

#include <map>

namespace respawn::component {

class ArchiveTree {
  public:
    struct Node {
        vault::TreeEntry entry;
        bool named = false; // has an entry of its own; else a folder that is only passed through
        std::map<std::string, std::unique_ptr<Node>> below;
    };

    explicit ArchiveTree(std::int64_t modified_ns) : modified_ns_(modified_ns) {}

    // The node for this entry, whose content is still to come unless it is a further name of another
    // file. Null for the archive's own top ("./"). Kind::denied when it breaks a rule.
    Result<Node*> add(const ArchiveEntry& found);
    // Links that lead outside, through whatever other links: found when all is there. Kind::denied.
    Result<void> must_stay_inside(const Cancellation& cancel) const;
    // Stores all folders, deepest first.
    Result<vault::ChunkId> store(vault::Writer& into, const Cancellation& cancel) const;
    bool has(const io::Path& absolute) const;

    std::uint64_t entries() const { return entries_; }
    std::uint64_t bytes_in_memory() const { return bytes_in_memory_; }

  private:
    Result<Node*> folder_for(const std::vector<std::string>& names, const std::string& path);
    Result<Node*> place(const ArchiveEntry& found, const std::vector<std::string>& names);
    Result<void> link(const ArchiveEntry& found, Node& node);
    const Node* find(const std::vector<std::string>& names) const;

    std::int64_t modified_ns_;
    Node top_;
    std::uint64_t entries_ = 0, bytes_in_memory_ = 0, next_link_ = 1;
};

} // namespace respawn::component
