// What lies in a vault, as other rooms see it: ids, contents, trees. docs/vault-format.md has the
// bytes.
#pragma once

#include "base/result.h"
#include "base/value.h"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace respawn::vault {

// HMAC-SHA-256 of a blob's plain bytes under the vault's id key for its kind, cut to 16 bytes.
struct ChunkId {
    std::array<unsigned char, 16> bytes{};
    auto operator<=>(const ChunkId&) const = default;
};
std::string to_hex(const ChunkId& id);

enum class BlobKind : std::uint8_t {
    data = 1,     // a chunk of a content
    list = 2,     // ids and lengths of the blobs of a content that has more than one
    tree = 3,     // the entries of one folder
    snapshot = 4, // a snapshot's document, kept in a pack as well
};

// A stream of bytes as it lies in the vault: depth 0, root is a data blob; depth n, root is a list blob
// whose items have depth n-1. No root when size is 0.
struct Content {
    std::uint64_t size = 0;
    std::uint8_t depth = 0;
    ChunkId root;
    bool operator==(const Content&) const = default;
};

// The chunk in which a place of a content lies, and where in the content it begins.
struct ChunkAt {
    ChunkId id;
    std::uint64_t begin = 0, size = 0;
    bool whole = true; // nothing is laid over it: its id tells all of its bytes
};

enum class EntryType : std::uint8_t {
    file = 1,
    folder = 2,
    symlink = 3,
    fifo = 4,
    socket = 5,
    block_device = 6,
    character_device = 7
};

// One name in a folder. Names and targets are bytes. Every component's root is a tree, so that one walk
// finds all that a snapshot needs: a database component has a tree with one file, its page image.
struct TreeEntry {
    std::string name;
    EntryType type = EntryType::file;
    std::uint32_t mode = 0; // permission bits, setuid, setgid and sticky included
    std::uint32_t user = 0, group = 0;
    std::string user_name, group_name; // empty where the system has no name
    std::int64_t modified_ns = 0;      // since 1970, UTC
    std::uint64_t device = 0;          // of a device file
    std::uint64_t hard_link = 0; // entries of one component with the same non-zero number are one file
    std::string target;          // of a symbolic link
    std::vector<std::pair<std::string, std::string>>
        attributes; // extended, ACLs among them; sorted by name
    // Stretches of a sparse file that hold data, as offset and length, in order; content is their bytes
    // one after the other and size the file's length with its holes. Empty for a file without holes.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> extents;
    std::uint64_t size = 0;
    Content content; // of a file
    ChunkId tree;    // of a folder
    bool operator==(const TreeEntry&) const = default;
};

using Tree = std::vector<TreeEntry>; // sorted by name, no name twice

// One component in a snapshot.
struct ComponentRecord {
    std::string name;
    std::string kind; // "sqlite", "files"
    ChunkId tree;     // its root; all zero when success is false
    std::uint64_t size_bytes = 0;
    std::uint64_t files = 0;
    std::int64_t started = 0;  // microseconds since 1970
    std::int64_t duration = 0; // microseconds
    bool success = true;
    std::string error; // why it failed, or what was incomplete; may stand beside success
    // The component's own: tables with counts and checksums, original paths. `only`, a list of tables,
    // where the backup took no others.
    Value detail;
    // True when it holds this table, or without one all of the component.
    bool holds(std::string_view table) const;
};

struct Snapshot {
    std::string id; // ULID
    std::string game, environment, host;
    std::string plan; // empty without one
    std::string type; // full, incremental, auto_daily, manual, pre_update, pre_migration, emergency
    std::string note;
    std::string writer;       // who wrote: stays the same for one machine's state folder
    std::uint64_t number = 0; // rises by one per writer
    std::string previous;     // the writer's snapshot before this one: its id, or empty
    std::int64_t started = 0; // microseconds since 1970; started never falls for one writer
    std::int64_t finished = 0;
    std::uint64_t stored_bytes = 0; // added to the location by this snapshot
    std::string program;            // version that wrote it
    std::vector<ComponentRecord> components;
    Value report; // counters: read, reused, new chunks, packs
    // Good: every component succeeded, complains of nothing (no `error`) and is not empty.
    bool good() const;
    const ComponentRecord* component(std::string_view name) const;
};

} // namespace respawn::vault
