// A fake EVM chain that answers JSON-RPC on a free port of loopback while it lives. It is written in
// code: what was mined, what waits, what was transferred, and how it misbehaves. Thread-safe.
#pragma once

#include "base/time.h"

#include <cstdint>
#include <memory>
#include <string>

namespace respawn::testkit {

// A hash or an address that belongs to a name, the same each time: "0x" and hex digits.
std::string fake_hash(const std::string& name);
std::string fake_address(const std::string& name);

struct FakeTransaction {
    std::string hash, from, to;
    std::int64_t nonce = 0;
    std::int64_t block = 0; // of a mined one
    bool succeeded = true;
};

struct FakeTransfer {
    std::string token, from, to;
    std::string amount; // decimal, up to 38 digits
    std::int64_t block = 0;
    std::string transaction;
};

enum class Fault {
    none,
    html,         // a page instead of JSON
    server_error, // status 500
    slow,         // answers after two seconds
    wrong_id,     // answers another question
    refusal,      // a JSON-RPC error
    huge,         // more bytes than anyone wants
    small_ranges, // eth_getLogs refuses more than 100 blocks
    reorganising, // every block has another hash each time it is asked for
    foreign_logs, // eth_getLogs also gives what was not asked for
};

class FakeChain {
  public:
    // Block `height` was made at `newest`, the others `block_seconds` apart.
    explicit FakeChain(std::int64_t height = 10'000, Moment newest = now(),
                       std::int64_t block_seconds = 2, std::int64_t chain_id = 8453);
    ~FakeChain();
    FakeChain(const FakeChain&) = delete;
    FakeChain& operator=(const FakeChain&) = delete;

    std::string url() const; // "http://127.0.0.1:PORT"
    std::int64_t height() const;
    void set_height(std::int64_t height); // further blocks follow in time

    void mine(FakeTransaction transaction);
    void wait(FakeTransaction transaction); // pending
    void forget(const std::string& hash);
    void transfer(FakeTransfer transfer);
    // Transactions of an address that were executed before block 0; those that are mined count on top.
    void set_first_nonce(const std::string& address, std::int64_t nonce);
    void set_fault(Fault fault);
    // Gives all blocks from this one on other hashes. What was mined in them keeps the old one.
    void reorganise(std::int64_t from_block);
    std::int64_t questions() const; // how many were answered

  private:
    struct World;
    std::unique_ptr<World> world_;
};

} // namespace respawn::testkit
