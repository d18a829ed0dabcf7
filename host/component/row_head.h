// The head of a table's rows, and the names that its files have in the table's folder. For row_*.cpp.
#pragma once

#include "component/row_file.h"
#include "component/row_sum.h"

namespace respawn::component {

// The base, or a run of what changed since.
struct RowPart {
    std::uint32_t number = 0; // of a run, rising; 0: the base
    StoredRowFile rows;
    std::vector<StoredRowFile> unique; // of each unique key: digests of its values, with keys of rows
};

struct RowHead {
    bool keyed = true;
    std::string schema;
    std::size_t unique_keys = 0;
    RowSum sum;
    std::vector<RowPart> parts; // the base, then the runs, oldest first
    std::uint64_t run_bytes() const;
};

// Of the folder's entries, by their names. Kind::missing for a folder without a head, Kind::corrupt for
// damage, Kind::unsupported for a newer form.
Result<RowHead> read_head(vault::Vault& from, const vault::Tree& folder);
// Stores the head; all files' entries, sorted.
Result<std::vector<vault::TreeEntry>> store_head(vault::Writer& into, const RowHead& head);
// Those entries of a folder that belong to its head, sorted.
std::vector<vault::TreeEntry> entries_of(const RowHead& head, const vault::Tree& folder);
// What the folder says of these rows, in a few bytes: other rows, other bytes.
std::string fingerprint(const std::vector<vault::TreeEntry>& entries);

// How a value of a unique key stands in its file, in front of the row's key.
inline constexpr std::size_t value_digest_size = 5;
std::string value_digest(const RowHasher& hasher, std::string_view value);

} // namespace respawn::component
