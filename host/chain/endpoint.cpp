#include "chain/endpoint.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "chain/hex.h"
#include "io/http.h"

namespace respawn::chain {

namespace {

// keccak256("Transfer(address,address,uint256)")
constexpr std::string_view transfer_event =
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
constexpr std::size_t most_answer_bytes = 16 * 1024 * 1024;
constexpr std::size_t most_transfers = 100'000;
constexpr std::int64_t most_blocks_a_question = 2000; // what common servers allow

std::string shortened(std::string_view text) {
    return printable(text.size() <= 160 ? text : text.substr(0, 160));
}

} // namespace

Endpoint::Endpoint(Secret url) : url_(std::move(url)) {
    name_ = url_.name() == "url" ? io::origin_of(url_.reveal()) : url_.name();
}

Error Endpoint::corrupt(std::string_view method, std::string_view why) const {
    return { .kind = Kind::corrupt,
             .why = fmt::format("{} answered {} with what is no valid answer: {}", name_, method, why),
             .fix = "check that the URL is a JSON-RPC endpoint of this chain" };
}

Result<Value> Endpoint::ask(std::string_view method, Value::List parameters) {
    const auto id = ++asked_;
    const Value question(Value::Map{ { "jsonrpc", "2.0" },
                                     { "id", id },
                                     { "method", method },
                                     { "params", std::move(parameters) } });
    const auto answer = TRY(io::send({ .method = "POST",
                                       .url = url_,
                                       .shown = name_,
                                       .headers = { { "Content-Type", "application/json" } },
                                       .body = to_json(question),
                                       .deadline = std::chrono::seconds(15),
                                       .most_response_bytes = most_answer_bytes,
                                       .repeatable = true }));
    if (answer.status != 200)
        return Error{ .kind = Kind::unavailable,
                      .why =
                          fmt::format("{} answered {} with status {}", name_, method, answer.status) };
    return answer_in(answer.body, id, method);
}

Result<Value> Endpoint::answer_in(std::string_view body, std::int64_t id,
                                  std::string_view method) const {
    const auto parsed = from_json(body);
    if (!parsed.ok() || parsed.value().map() == nullptr)
        return corrupt(method, "no JSON object");
    const auto& answer = parsed.value();
    if (const auto& error = answer.at("error"); !error.is_null())
        return Error{ .kind = Kind::unsupported,
                      .why =
                          fmt::format("{} answered {} with error {}: {}", name_, method,
                                      error.integer_at("code"), shortened(error.text_at("message"))) };
    if (const auto* own = answer.at("id").integer(); own == nullptr || *own != id)
        return corrupt(method, "it answers another question");
    if (!answer.map()->contains("result"))
        return corrupt(method, "neither result nor error");
    return answer.at("result");
}

Result<std::string> Endpoint::text(const Value& from, std::string_view key,
                                   std::string_view method) const {
    const auto* found = from.at(key).text();
    if (found == nullptr)
        return corrupt(method, fmt::format("'{}' is no text", key));
    return *found;
}

Result<std::int64_t> Endpoint::number(const Value& from, std::string_view key,
                                      std::string_view method) const {
    const auto found = from_quantity(TRY(text(from, key, method)));
    if (!found.ok())
        return corrupt(method, fmt::format("'{}': {}", key, found.error().why));
    return found.value();
}

Result<std::string> Endpoint::address(const Value& from, std::string_view key,
                                      std::string_view method) const {
    const auto found = TRY(text(from, key, method));
    if (!is_address(found))
        return corrupt(method, fmt::format("'{}' is no address", key));
    return lower(found);
}

Result<std::string> Endpoint::hash(const Value& from, std::string_view key,
                                   std::string_view method) const {
    const auto found = TRY(text(from, key, method));
    if (!is_hash(found))
        return corrupt(method, fmt::format("'{}' is no hash", key));
    return lower(found);
}

namespace {

// A bare result as a map, for the functions above.
Value wrapped(Value result) { return Value::Map{ { "result", std::move(result) } }; }

} // namespace

Result<std::int64_t> Endpoint::chain_id() {
    return number(wrapped(TRY(ask("eth_chainId", {}))), "result", "eth_chainId");
}

Result<std::int64_t> Endpoint::height() {
    return number(wrapped(TRY(ask("eth_blockNumber", {}))), "result", "eth_blockNumber");
}

Result<Block> Endpoint::block(std::int64_t wanted) {
    constexpr std::string_view method = "eth_getBlockByNumber";
    const auto answer = TRY(ask(method, { to_quantity(wanted), false }));
    if (answer.is_null())
        return Error{ .kind = Kind::missing, .why = fmt::format("{} has no block {}", name_, wanted) };
    const auto seconds = TRY(number(answer, "timestamp", method));
    if (TRY(number(answer, "number", method)) != wanted || seconds > INT64_MAX / 1'000'000)
        return corrupt(method, "another block, or a time that is none");
    return Block{ wanted, TRY(hash(answer, "hash", method)), Moment{ seconds * 1'000'000 } };
}

Result<Transaction> Endpoint::transaction(const std::string& wanted) {
    constexpr std::string_view method = "eth_getTransactionByHash";
    const auto answer = TRY(ask(method, { wanted }));
    if (answer.is_null())
        return Transaction{};
    if (TRY(hash(answer, "hash", method)) != wanted)
        return corrupt(method, "another transaction");
    auto from = TRY(address(answer, "from", method));
    const auto nonce = TRY(number(answer, "nonce", method));
    Transaction found{ .state = TransactionState::pending, .from = std::move(from), .nonce = nonce };
    if (!answer.at("to").is_null())
        found.to = TRY(address(answer, "to", method));
    if (answer.at("blockNumber").is_null())
        return found;
    const auto receipt = TRY(mined(wanted, answer));
    found.state = TransactionState::mined;
    found.block = receipt.block;
    found.block_hash = receipt.block_hash;
    found.succeeded = receipt.succeeded;
    return found;
}

// What the receipt says. The block it names must be the one that the chain has at that height: a
// receipt of a block that was reorganised away proves nothing.
Result<Transaction> Endpoint::mined(const std::string& wanted, const Value& transaction) {
    constexpr std::string_view method = "eth_getTransactionReceipt";
    Error moved{ .kind = Kind::unknown,
                 .why = fmt::format("{} reorganised its blocks while it was asked", name_),
                 .fix = "ask again in a few minutes" };
    const auto receipt = TRY(ask(method, { wanted }));
    if (receipt.is_null())
        return moved;
    if (TRY(hash(receipt, "transactionHash", method)) != wanted)
        return corrupt(method, "another transaction");
    const auto status = TRY(number(receipt, "status", method));
    if (status > 1)
        return corrupt(method, "'status' is neither 0 nor 1");
    Transaction found{ .block = TRY(number(receipt, "blockNumber", method)), .succeeded = status == 1 };
    found.block_hash = TRY(hash(receipt, "blockHash", method));
    const auto standing = block(found.block);
    if (!standing.ok())
        return standing.error().kind == Kind::missing ? moved : standing.error();
    if (standing.value().hash != found.block_hash ||
        lower(transaction.text_at("blockHash")) != found.block_hash)
        return moved;
    return found;
}

Result<std::int64_t> Endpoint::transaction_count(const std::string& of, std::int64_t at_block) {
    constexpr std::string_view method = "eth_getTransactionCount";
    return number(wrapped(TRY(ask(method, { of, to_quantity(at_block) }))), "result", method);
}

Result<std::vector<Transfer>> Endpoint::transfers(const TransferQuery& query) {
    std::vector<Transfer> found;
    auto part = query;
    auto blocks = most_blocks_a_question;
    while (part.first_block <= query.last_block) {
        part.last_block = std::min(query.last_block, part.first_block + blocks - 1);
        const auto taken = take_logs(part, found);
        if (!taken.ok() && (taken.error().kind != Kind::unsupported || blocks == 1))
            return taken.error();
        if (taken.ok())
            part.first_block = part.last_block + 1;
        else // servers allow different ranges, and say so in different words
            blocks = std::max<std::int64_t>(1, blocks / 5);
    }
    TRY(put_in_order(found));
    return found;
}

Result<void> Endpoint::put_in_order(std::vector<Transfer>& transfers) const {
    const auto order = [](const Transfer& log) { return std::pair(log.block, log.position); };
    std::sort(transfers.begin(), transfers.end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
    for (std::size_t i = 1; i < transfers.size(); ++i)
        if (order(transfers[i - 1]) == order(transfers[i]))
            return corrupt("eth_getLogs", "the same log twice");
    return {};
}

Result<void> Endpoint::take_logs(const TransferQuery& query, std::vector<Transfer>& transfers) {
    const Value sender = query.from ? Value(to_topic(*query.from)) : Value();
    const Value filter(Value::Map{
        { "address", query.token },
        { "fromBlock", to_quantity(query.first_block) },
        { "toBlock", to_quantity(query.last_block) },
        { "topics", Value::List{ transfer_event, sender, to_topic(query.to) } },
    });
    const auto logs = TRY(ask("eth_getLogs", { filter }));
    if (logs.list() == nullptr)
        return corrupt("eth_getLogs", "no list");
    for (const auto& log : *logs.list())
        transfers.push_back(TRY(transfer_in(log, query)));
    if (transfers.size() > most_transfers)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("more than {} transfers in this range of blocks",
                                         most_transfers) };
    return {};
}

Result<Transfer> Endpoint::transfer_in(const Value& log, const TransferQuery& query) const {
    constexpr std::string_view method = "eth_getLogs";
    const auto* topics = log.at("topics").list();
    if (topics == nullptr || topics->size() != 3 || (*topics)[0].text() == nullptr ||
        (*topics)[1].text() == nullptr || (*topics)[2].text() == nullptr)
        return corrupt(method, "a log's topics are not those of a transfer");
    const auto sender = from_topic(*(*topics)[1].text()), receiver = from_topic(*(*topics)[2].text());
    const auto amount = to_decimal(TRY(text(log, "data", method)));
    if (!sender.ok() || !receiver.ok() || !amount.ok())
        return corrupt(method, "a log's topics or data are not those of a transfer");
    auto transaction = TRY(hash(log, "transactionHash", method));
    const auto block = TRY(number(log, "blockNumber", method));
    const auto position = TRY(number(log, "logIndex", method));
    Transfer found{ .transaction = std::move(transaction),
                    .block = block,
                    .position = position,
                    .from = sender.value(),
                    .to = receiver.value(),
                    .amount = amount.value() };
    const bool asked_for = TRY(address(log, "address", method)) == query.token &&
                           found.to == query.to && (!query.from || found.from == *query.from) &&
                           found.block >= query.first_block && found.block <= query.last_block &&
                           lower(*(*topics)[0].text()) == transfer_event;
    const auto* removed = log.at("removed").boolean();
    if (!asked_for || (removed != nullptr && *removed))
        return corrupt(method, "a log that was not asked for");
    return found;
}

} // namespace respawn::chain
