// A location keeps a vault's files: a folder, later an S3 bucket. It knows names and bytes and nothing
// about snapshots. Every location promises (tests/contract/location_contract.cpp checks):
//   - when create() has returned, read() gives the same bytes, also after a power cut;
//   - create() never overwrites: the same bytes again are a success, others are Kind::conflict;
//   - a file is there whole or not at all, whenever the writer dies;
//   - read() of an unknown name is Kind::missing, never an empty answer.
// Names are relative paths of [a-z0-9._-] parts with '/' between ("packs/8a/8a03…"); other names are
// Kind::usage, so that none leads outside. Thread-safe.
#pragma once

#include "base/result.h"
#include "base/time.h"
#include "io/stream.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::location {

// Part of a file: length bytes from offset; fewer when the file ends before.
struct Range {
    std::uint64_t offset = 0;
    std::uint64_t length = UINT64_MAX;
};
inline constexpr Range whole{};

struct Entry {
    std::string name;
    std::uint64_t size = 0;
    bool operator==(const Entry&) const = default;
};

struct Location {
    virtual ~Location() = default;
    virtual Result<void> create(std::string_view name, io::Source& bytes) = 0;
    virtual Result<std::string> read(std::string_view name, Range range) = 0;
    // Names and sizes of all files whose name begins with prefix, sorted by name. Leftovers of killed
    // writers are not listed.
    virtual Result<std::vector<Entry>> list(std::string_view prefix) = 0;
    // For prune alone. Nothing when the file is missing.
    virtual Result<void> remove(std::string_view name) = 0;
    // The location's own clock, which this machine's has no part in where the location is elsewhere.
    virtual Result<Moment> now() = 0;
    // For messages: "file:///var/backups/wox".
    virtual std::string url() const = 0;
};

// Kind::usage for a name that no location takes.
Result<void> must_be_name(std::string_view name);

} // namespace respawn::location
