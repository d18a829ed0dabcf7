// An EVM chain, read over JSON-RPC, for decisions about money. All configured endpoints are asked; one
// that does not answer is an error, and where two differ the answer is Kind::unknown and says what
// differs. Two endpoints of different owners are what makes an answer worth something: a single one is
// believed.
//
// Transfers are those of tokens (ERC-20 events). A transfer of the chain's own coin leaves no log, and
// is not seen here. "Not found" is never proof that a transaction did not happen. Not thread-safe.
#pragma once

#include "base/result.h"
#include "chain/endpoint.h"
#include "chain/facts.h"
#include "config/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::chain {

class Chain {
  public:
    const config::ChainSettings& settings() const { return settings_; }

    // The newest block that every endpoint has.
    Result<std::int64_t> height();
    // Its depth is counted from a height that was asked before, so it is never too large.
    Result<Transaction> transaction(std::string_view hash);
    // How many transactions of an address were executed in blocks that have at least `depth` blocks on
    // top: a nonce below it is spent.
    Result<std::int64_t> nonce_at_depth(std::string_view address, std::int64_t depth);
    // Kind::usage when the range ends past the height: what is not there yet cannot be ruled out.
    Result<std::vector<Transfer>> transfers(TransferQuery query);
    // The newest block that is not younger than the moment; block 0 when all are.
    Result<std::int64_t> block_at_time(Moment moment);

  private:
    friend Result<Chain> open_chain(const config::ChainSettings& settings);
    explicit Chain(config::ChainSettings settings);

    template <class Answer, class Ask> Result<Answer> agreed(std::string_view on, Ask ask);
    Result<Block> block(std::int64_t number);
    Result<void> same_chain();

    config::ChainSettings settings_;
    std::vector<Endpoint> endpoints_;
    bool same_chain_ = false; // known after the first question
};

// Asks nothing yet. Kind::usage without endpoints.
Result<Chain> open_chain(const config::ChainSettings& settings);

} // namespace respawn::chain
