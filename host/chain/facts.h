// What a chain can be asked and what it answers. Addresses and hashes are "0x" and lower-case hex
// digits.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>

namespace respawn::chain {

enum class TransactionState { not_found, pending, mined };

struct Transaction {
    TransactionState state = TransactionState::not_found; // not found proves nothing: it may still come
    std::string from;                                     // with `to` and `nonce`: pending and mined
    std::string to;                                       // empty: it creates a contract
    std::int64_t nonce = 0;
    std::int64_t block = 0; // mined
    std::string block_hash;
    std::int64_t depth = 0; // how many blocks stand on top of its own
    bool succeeded = false; // the receipt's status
    bool operator==(const Transaction&) const = default;
};

// An ERC-20 Transfer event.
struct Transfer {
    std::string transaction;
    std::int64_t block = 0;
    std::int64_t position = 0; // of the log in its block
    std::string from, to;
    std::string amount; // in the token's smallest unit, decimal: 256 bits fit no integer
    bool operator==(const Transfer&) const = default;
};

struct TransferQuery {
    std::string token;            // the contract
    std::string to;               // who received
    std::int64_t first_block = 0; // both ends belong to it
    std::int64_t last_block = 0;
    std::optional<std::string> from = {}; // who sent
};

} // namespace respawn::chain
