// Trees of a files component as they come out of a vault, where nothing in them is trusted: names are
// checked, and everything is created relative to an open folder, never through a link.
#pragma once

#include "component/component.h"
#include "component/files_roots.h"
#include "component/metadata.h"

namespace respawn::component {

// Kind::corrupt for a name that could lead outside, a name twice, or a file whose sizes don't fit.
Result<vault::Tree> sound_tree(vault::Vault& from, const vault::ChunkId& id);

// The most that a tree may be nested; a folder on each level is open while it is restored.
inline constexpr int deepest_tree = 600;
Error too_deep(const io::Path& path);

// Makes anything but a folder, with its bytes and all that is known of it. False where this user or
// system cannot make one (a device without root); a note says so. `like`: as write_bytes has it.
Result<bool> create_entry(vault::Vault& from, int folder, const std::string& name,
                          const vault::TreeEntry& entry, Owners& owners, Notes& notes,
                          const Cancellation& cancel, const io::Path& shown, int like = -1);

// The folder at the end of a path of names below an open one.
Result<io::Descriptor> open_below(int top, const std::vector<std::string>& names,
                                  const io::Path& shown);

// Kind::no_space when the file system that holds `place` has less than that free.
Result<void> must_have_space(const io::Path& place, std::uint64_t needed);

// `only`: what is wanted of the tree, whose files and bytes the record then counts.
Result<RestoreReport> restore_files_to(vault::Vault& from, const vault::ComponentRecord& record,
                                       const io::Path& place, const Work& work,
                                       const RootNode* only = nullptr);

} // namespace respawn::component
