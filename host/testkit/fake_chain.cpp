#include "testkit/fake_chain.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <fmt/format.h>
#include <httplib.h>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/value.h"

namespace respawn::testkit {

namespace {

constexpr const char* transfer_event =
    "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

// FNV-1a; it only has to spread names.
std::uint64_t spread(std::string_view text, std::uint64_t seed) {
    std::uint64_t state = 14695981039346656037ULL ^ seed;
    for (const char c : text)
        state = (state ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    return state ^ (state >> 29);
}

std::string digits_of(std::string_view name) {
    std::string digits;
    for (std::uint64_t part = 0; part < 4; ++part)
        digits += fmt::format("{:016x}", spread(name, part * 0x9e3779b97f4a7c15ULL));
    return digits;
}

std::string quantity(std::int64_t number) { return fmt::format("{:#x}", number); }

std::int64_t from_quantity(std::string_view text) {
    std::int64_t number = -1;
    if (text.starts_with("0x"))
        std::from_chars(text.data() + 2, text.data() + text.size(), number, 16);
    return number;
}

std::string topic(std::string_view address) {
    return fmt::format("0x{:0>64}", address.substr(std::min<std::size_t>(2, address.size())));
}

std::string amount_word(const std::string& decimal) {
    unsigned __int128 amount = 0;
    for (const char digit : decimal)
        amount = amount * 10 + static_cast<unsigned>(digit - '0');
    return fmt::format("0x{:032x}{:016x}{:016x}", 0, static_cast<std::uint64_t>(amount >> 64),
                       static_cast<std::uint64_t>(amount));
}

} // namespace

std::string fake_hash(const std::string& name) { return "0x" + digits_of(name); }
std::string fake_address(const std::string& name) { return "0x" + digits_of(name).substr(0, 40); }

struct FakeChain::World {
    struct Known {
        FakeTransaction transaction;
        bool mined = false;
        std::string block_hash;
    };

    mutable std::mutex mutex;
    std::int64_t height, first_height, block_seconds, chain_id;
    Moment newest;
    std::map<std::string, Known> transactions;
    std::vector<FakeTransfer> transfers;
    std::map<std::string, std::int64_t> first_nonces;
    std::map<std::int64_t, int> reorganised; // from this block on
    Fault fault = Fault::none;
    std::int64_t asked = 0;

    httplib::Server server;
    std::thread thread;
    int port = 0;

    std::string block_hash(std::int64_t number) const;
    Value block(std::int64_t number) const;
    Value transaction(const std::string& hash) const;
    Value receipt(const std::string& hash) const;
    Value nonce(const std::string& address, std::int64_t at_block) const;
    Value logs(const Value& filter) const;
    Value result_of(const std::string& method, const Value& parameters) const;
    std::string answer(const std::string& body);
    void serve(const std::string& body, httplib::Response& response);
    void listen();
};

std::string FakeChain::World::block_hash(std::int64_t number) const {
    int times = fault == Fault::reorganising ? static_cast<int>(asked) : 0;
    for (const auto& [from, count] : reorganised)
        times += from <= number ? count : 0;
    return fake_hash(fmt::format("block {} {}", number, times));
}

Value FakeChain::World::block(std::int64_t number) const {
    if (number < 0 || number > height)
        return {};
    const auto seconds = newest.microseconds / 1'000'000 + (number - first_height) * block_seconds;
    return Value::Map{ { "number", quantity(number) },
                       { "hash", block_hash(number) },
                       { "timestamp", quantity(std::max<std::int64_t>(0, seconds)) } };
}

Value FakeChain::World::transaction(const std::string& hash) const {
    const auto found = transactions.find(hash);
    if (found == transactions.end())
        return {};
    const auto& [facts, mined, in_block] = found->second;
    return Value::Map{ { "hash", facts.hash },
                       { "from", facts.from },
                       { "to", facts.to.empty() ? Value() : Value(facts.to) },
                       { "nonce", quantity(facts.nonce) },
                       { "blockNumber", mined ? Value(quantity(facts.block)) : Value() },
                       { "blockHash", mined ? Value(in_block) : Value() } };
}

Value FakeChain::World::receipt(const std::string& hash) const {
    const auto found = transactions.find(hash);
    if (found == transactions.end() || !found->second.mined)
        return {};
    const auto& facts = found->second.transaction;
    return Value::Map{ { "transactionHash", facts.hash },
                       { "status", quantity(facts.succeeded ? 1 : 0) },
                       { "blockNumber", quantity(facts.block) },
                       { "blockHash", found->second.block_hash } };
}

Value FakeChain::World::nonce(const std::string& address, std::int64_t at_block) const {
    const auto first = first_nonces.find(address);
    std::int64_t next = first == first_nonces.end() ? 0 : first->second;
    for (const auto& [hash, known] : transactions)
        if (known.mined && known.transaction.from == address && known.transaction.block <= at_block)
            next = std::max(next, known.transaction.nonce + 1);
    return quantity(next);
}

Value FakeChain::World::logs(const Value& filter) const {
    const auto first = from_quantity(filter.text_at("fromBlock"));
    const auto last = from_quantity(filter.text_at("toBlock"));
    const auto* topics = filter.at("topics").list();
    const auto matches = [&](std::size_t place, const std::string& own) {
        return topics == nullptr || topics->size() <= place || (*topics)[place].is_null() ||
               (*topics)[place] == Value(own);
    };
    Value::List found;
    std::int64_t position = 0;
    for (const auto& one : transfers) {
        ++position;
        const bool wanted = one.token == filter.text_at("address") && one.block >= first &&
                            one.block <= last && matches(1, topic(one.from)) &&
                            matches(2, topic(one.to));
        if (wanted || fault == Fault::foreign_logs)
            found.push_back(
                Value::Map{ { "address", one.token },
                            { "topics", Value::List{ transfer_event, topic(one.from), topic(one.to) } },
                            { "data", amount_word(one.amount) },
                            { "blockNumber", quantity(one.block) },
                            { "logIndex", quantity(position) },
                            { "transactionHash", one.transaction },
                            { "removed", false } });
    }
    return found;
}

Value FakeChain::World::result_of(const std::string& method, const Value& parameters) const {
    static const Value::List none;
    const auto& list = parameters.list() != nullptr ? *parameters.list() : none;
    const auto parameter = [&](std::size_t place) {
        return place < list.size() && list[place].text() != nullptr ? *list[place].text()
                                                                    : std::string();
    };
    if (method == "eth_chainId")
        return quantity(chain_id);
    if (method == "eth_blockNumber")
        return quantity(height);
    if (method == "eth_getBlockByNumber")
        return block(parameter(0) == "latest" ? height : from_quantity(parameter(0)));
    if (method == "eth_getTransactionByHash")
        return transaction(parameter(0));
    if (method == "eth_getTransactionReceipt")
        return receipt(parameter(0));
    if (method == "eth_getTransactionCount")
        return nonce(parameter(0), from_quantity(parameter(1)));
    if (method == "eth_getLogs" && !list.empty())
        return logs(list[0]);
    return Symbol{ "unknown method" };
}

std::string FakeChain::World::answer(const std::string& body) {
    const auto parsed = from_json(body);
    const auto question = parsed.ok() ? parsed.value() : Value();
    const auto id = question.integer_at("id", -1) + (fault == Fault::wrong_id ? 1 : 0);
    const auto method = question.text_at("method");
    const auto failed = [&](std::int64_t code, const char* message) {
        return to_json(
            Value::Map{ { "jsonrpc", "2.0" },
                        { "id", id },
                        { "error", Value::Map{ { "code", code }, { "message", message } } } });
    };
    ++asked;
    if (fault == Fault::refusal)
        return failed(-32000, "missing trie node");
    const auto* parameters = question.at("params").list();
    if (fault == Fault::small_ranges && method == "eth_getLogs" && parameters != nullptr &&
        !parameters->empty()) {
        const auto& filter = parameters->front();
        if (from_quantity(filter.text_at("toBlock")) - from_quantity(filter.text_at("fromBlock")) >=
            100)
            return failed(-32005, "query exceeds range");
    }
    auto result = result_of(method, question.at("params"));
    if (result.symbol() != nullptr)
        return failed(-32601, "the method does not exist");
    return to_json(Value::Map{ { "jsonrpc", "2.0" }, { "id", id }, { "result", std::move(result) } });
}

void FakeChain::World::serve(const std::string& body, httplib::Response& response) {
    std::unique_lock lock(mutex);
    const auto wrong = fault;
    auto text = answer(body);
    lock.unlock();
    if (wrong == Fault::slow)
        std::this_thread::sleep_for(std::chrono::seconds(2));
    if (wrong == Fault::server_error)
        response.status = 500;
    if (wrong == Fault::html)
        text = "<html><body>Welcome to the hotel's network</body></html>";
    if (wrong == Fault::huge)
        text.resize(20 * 1024 * 1024, ' ');
    response.set_content(text, wrong == Fault::html ? "text/html" : "application/json");
}

void FakeChain::World::listen() {
    server.set_keep_alive_max_count(1); // or its end waits for connections that are kept
    server.Post("/", [this](const httplib::Request& request, httplib::Response& response) {
        serve(request.body, response);
    });
    port = server.bind_to_any_port("127.0.0.1");
    thread = std::thread([this] { server.listen_after_bind(); });
    while (!server.is_running())
        std::this_thread::yield();
}

FakeChain::FakeChain(std::int64_t height, Moment newest, std::int64_t block_seconds,
                     std::int64_t chain_id)
    : world_(std::make_unique<World>()) {
    world_->height = world_->first_height = height;
    world_->newest = newest;
    world_->block_seconds = block_seconds;
    world_->chain_id = chain_id;
    world_->listen();
}

FakeChain::~FakeChain() {
    world_->server.stop();
    world_->thread.join();
}

std::string FakeChain::url() const { return fmt::format("http://127.0.0.1:{}", world_->port); }

std::int64_t FakeChain::height() const {
    const std::lock_guard lock(world_->mutex);
    return world_->height;
}

void FakeChain::set_height(std::int64_t height) {
    const std::lock_guard lock(world_->mutex);
    world_->height = height;
}

void FakeChain::mine(FakeTransaction transaction) {
    const std::lock_guard lock(world_->mutex);
    const auto in_block = world_->block_hash(transaction.block);
    const auto hash = transaction.hash;
    world_->transactions[hash] = { std::move(transaction), true, in_block };
}

void FakeChain::wait(FakeTransaction transaction) {
    const std::lock_guard lock(world_->mutex);
    const auto hash = transaction.hash;
    world_->transactions[hash] = { std::move(transaction), false, {} };
}

void FakeChain::forget(const std::string& hash) {
    const std::lock_guard lock(world_->mutex);
    world_->transactions.erase(hash);
}

void FakeChain::transfer(FakeTransfer transfer) {
    const std::lock_guard lock(world_->mutex);
    world_->transfers.push_back(std::move(transfer));
}

void FakeChain::set_first_nonce(const std::string& address, std::int64_t nonce) {
    const std::lock_guard lock(world_->mutex);
    world_->first_nonces[address] = nonce;
}

void FakeChain::set_fault(Fault fault) {
    const std::lock_guard lock(world_->mutex);
    world_->fault = fault;
}

void FakeChain::reorganise(std::int64_t from_block) {
    const std::lock_guard lock(world_->mutex);
    ++world_->reorganised[from_block];
}

std::int64_t FakeChain::questions() const {
    const std::lock_guard lock(world_->mutex);
    return world_->asked;
}

} // namespace respawn::testkit
