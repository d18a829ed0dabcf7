// Digests of rows, and a checksum over a table that does not depend on the order of its rows: what a
// backup finds changes by, and what a restored table is compared with.
#pragma once

#include "base/value.h"
#include "crypto/sip_hash.h"
#include "vault/vault.h"

namespace respawn::component {

using RowDigest = crypto::SipHash::Wide;

// Under keys of the vault's: the same for all that open it. Thread-safe.
class RowHasher {
  public:
    explicit RowHasher(const vault::Vault& vault);
    std::uint64_t of_key(std::string_view key) const { return keys_(key); }
    // `key_hash` is of_key() of its key; of "" for a row without one.
    RowDigest of_row(std::uint64_t key_hash, std::string_view row) const {
        return rows_.wide(key_hash, row);
    }

  private:
    explicit RowHasher(const crypto::Key& key);
    crypto::SipHash keys_, rows_;
};

// How many rows, and the sum of their digests mod 2^128.
struct RowSum {
    std::uint64_t rows = 0, low = 0, high = 0;

    void add(const RowDigest& digest) {
        ++rows;
        low += digest.low;
        high += digest.high + (low < digest.low ? 1 : 0);
    }
    void add(const RowHasher& hasher, std::string_view key, std::string_view row) {
        add(hasher.of_row(hasher.of_key(key), row));
    }
    // For a table that was read in parts.
    void add(const RowSum& part);
    Value value() const; // {rows, sum}
    static Result<RowSum> from(const Value& value);
    bool operator==(const RowSum&) const = default;
};

} // namespace respawn::component
