#include "chain/chain.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "chain/hex.h"

namespace respawn::chain {

namespace {

Error usage(std::string why) { return { .kind = Kind::usage, .why = std::move(why) }; }

std::string to_words(std::int64_t number) { return std::to_string(number); }

std::string to_words(const Block& block) {
    return fmt::format("block {} {}", block.number, block.hash);
}

std::string to_words(const Transaction& transaction) {
    switch (transaction.state) {
    case TransactionState::not_found:
        return "not found";
    case TransactionState::pending:
        return fmt::format("pending, nonce {} of {}", transaction.nonce, transaction.from);
    case TransactionState::mined:
        return fmt::format("{} in block {} ({}), nonce {} of {}",
                           transaction.succeeded ? "succeeded" : "failed", transaction.block,
                           transaction.block_hash.substr(0, 10), transaction.nonce, transaction.from);
    }
    return {};
}

std::string to_words(const std::vector<Transfer>& transfers) {
    std::string words = counted(transfers.size(), "transfer");
    for (std::size_t i = 0; i < std::min<std::size_t>(transfers.size(), 3); ++i)
        words += fmt::format(", {} in {}", transfers[i].amount, transfers[i].transaction);
    return words;
}

} // namespace

Chain::Chain(config::ChainSettings settings) : settings_(std::move(settings)) {
    for (const auto& url : settings_.urls)
        endpoints_.emplace_back(url);
}

// Asks every endpoint; the answer when all gave the same.
template <class Answer, class Ask> Result<Answer> Chain::agreed(std::string_view on, Ask ask) {
    TRY(same_chain());
    const auto first = TRY(ask(endpoints_.front()));
    for (std::size_t i = 1; i < endpoints_.size(); ++i) {
        const auto other = TRY(ask(endpoints_[i]));
        if (!(other == first))
            return Error{ .kind = Kind::unknown,
                          .why = fmt::format("the endpoints of {} differ on {}: {} says {}; {} says {}",
                                             settings_.name, on, endpoints_.front().name(),
                                             to_words(first), endpoints_[i].name(), to_words(other)),
                          .fix = "wait until they agree, or look the facts up elsewhere" };
    }
    return first;
}

// An endpoint of another chain would find no transaction and no transfer, which looks like an answer.
Result<void> Chain::same_chain() {
    if (same_chain_)
        return {};
    auto expected = settings_.chain_id;
    for (auto& endpoint : endpoints_) {
        const auto id = TRY(endpoint.chain_id());
        if (expected && *expected != id)
            return usage(fmt::format("{} is chain {}, but chain {} is asked ({})", endpoint.name(), id,
                                     *expected, settings_.name));
        expected = id;
    }
    same_chain_ = true;
    return {};
}

Result<std::int64_t> Chain::height() {
    TRY(same_chain());
    std::int64_t lowest = INT64_MAX;
    for (auto& endpoint : endpoints_)
        lowest = std::min(lowest, TRY(endpoint.height()));
    return lowest;
}

Result<Transaction> Chain::transaction(std::string_view hash) {
    if (!is_hash(hash))
        return usage(fmt::format("'{}' is no transaction's hash", printable(hash.substr(0, 80))));
    const auto wanted = lower(hash);
    const auto highest = TRY(height());
    auto found =
        TRY(agreed<Transaction>(fmt::format("transaction {}", wanted),
                                [&](Endpoint& endpoint) { return endpoint.transaction(wanted); }));
    if (found.state == TransactionState::mined)
        found.depth = std::max<std::int64_t>(0, highest - found.block);
    return found;
}

Result<Block> Chain::block(std::int64_t number) {
    return agreed<Block>(fmt::format("block {}", number),
                         [&](Endpoint& endpoint) { return endpoint.block(number); });
}

namespace {

// A block's hash stands for all blocks before it, so when it stayed the same, so did they.
Result<void> must_be_same(const Block& before, const Block& after) {
    if (before == after)
        return {};
    return Error{ .kind = Kind::unknown,
                  .why = fmt::format("block {} was reorganised while it was asked for", before.number),
                  .fix = "ask again in a few minutes" };
}

} // namespace

Result<std::int64_t> Chain::nonce_at_depth(std::string_view address, std::int64_t depth) {
    if (!is_address(address) || depth < 0)
        return usage(
            fmt::format("'{}' is no address, or {} no depth", printable(address.substr(0, 80)), depth));
    const auto owner = lower(address);
    const auto number = TRY(height()) - depth;
    if (number < 0)
        return 0; // nothing is that deep
    const auto before = TRY(block(number));
    const auto count = TRY(agreed<std::int64_t>(
        fmt::format("the nonce of {} at block {}", owner, number),
        [&](Endpoint& endpoint) { return endpoint.transaction_count(owner, number); }));
    TRY(must_be_same(before, TRY(block(number))));
    return count;
}

Result<std::vector<Transfer>> Chain::transfers(TransferQuery query) {
    if (!is_address(query.token) || !is_address(query.to) || (query.from && !is_address(*query.from)))
        return usage("a token, receiver or sender is no address");
    if (query.first_block < 0 || query.first_block > query.last_block)
        return usage(
            fmt::format("{} to {} is no range of blocks", query.first_block, query.last_block));
    if (const auto highest = TRY(height()); query.last_block > highest)
        return usage(
            fmt::format("block {} is not there yet; the newest is {}", query.last_block, highest));
    query.token = lower(query.token);
    query.to = lower(query.to);
    if (query.from)
        query.from = lower(*query.from);
    const auto before = TRY(block(query.last_block));
    auto found = TRY(
        agreed<std::vector<Transfer>>(fmt::format("transfers to {} in blocks {} to {}", query.to,
                                                  query.first_block, query.last_block),
                                      [&](Endpoint& endpoint) { return endpoint.transfers(query); }));
    TRY(must_be_same(before, TRY(block(query.last_block))));
    return found;
}

Result<std::int64_t> Chain::block_at_time(Moment moment) {
    std::int64_t not_younger = 0, beyond = TRY(height()) + 1;
    while (not_younger + 1 < beyond) {
        const auto middle = not_younger + (beyond - not_younger) / 2;
        if (TRY(block(middle)).time <= moment)
            not_younger = middle;
        else
            beyond = middle;
    }
    return not_younger;
}

Result<Chain> open_chain(const config::ChainSettings& settings) {
    if (settings.urls.empty())
        return usage(fmt::format("the chain {} has no endpoints", settings.name));
    return Chain(settings);
}

} // namespace respawn::chain
