// Marks: the packs that prune is about to delete. They are written before prune looks at who needs
// what, and removed when it is done; a backup reads them behind its pending and stores again what lies
// there.
#pragma once

#include "vault/state.h"

namespace respawn::vault {

using PackSet = std::unordered_set<PackId, IdHash>;

struct Mark {
    std::string id;
    PackSet packs;
    // Pendings that were open when prune first looked behind the mark: those alone may not have seen
    // it.
    std::optional<std::vector<std::string>> waits;
    std::vector<std::string> files;
};

struct Marks {
    std::vector<Mark> list;
    std::vector<std::string> unreadable; // files; nobody deletes anything for them
    PackSet packs() const;
};
Result<Marks> list_marks(Vault::State& vault);

Result<Mark> write_mark(Vault::State& vault, const PackSet& packs);
Result<void> write_waits(Vault::State& vault, Mark& mark, const std::vector<std::string>& pendings);

// What is wrong with a file of marks/; empty when nothing is.
std::string mark_fault(Vault::State& vault, std::string_view name, std::string_view bytes);

} // namespace respawn::vault
