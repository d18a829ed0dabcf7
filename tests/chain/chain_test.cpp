#include "chain/chain.h"
#include "testkit/fake_chain.h"

#include <catch2/catch.hpp>

using namespace respawn;
using chain::TransactionState;
using testkit::fake_address;
using testkit::fake_hash;
using testkit::FakeChain;
using testkit::Fault;

namespace {

const auto wallet = fake_address("hot wallet"), player = fake_address("ada"),
           token = fake_address("galleon");
const auto sent = fake_hash("withdrawal 88");
constexpr std::int64_t height = 1000;

chain::Chain reader_of(const std::vector<const FakeChain*>& servers,
                       std::optional<std::int64_t> chain_id = {}) {
    config::ChainSettings settings{ .name = "base", .chain_id = chain_id };
    for (const auto* server : servers)
        settings.urls.emplace_back("url", server->url());
    return chain::open_chain(settings).value();
}

Kind kind_of_height(FakeChain& server, Fault fault) {
    server.set_fault(fault);
    return reader_of({ &server }).height().error().kind;
}

} // namespace

TEST_CASE("a transaction is not found, pending or mined, and a mined one says how deep") {
    FakeChain server(height);
    auto reader = reader_of({ &server });
    CHECK(reader.transaction(sent).value().state == TransactionState::not_found);
    server.wait({ sent, wallet, player, 7 });
    CHECK(reader.transaction(sent).value().state == TransactionState::pending);
    CHECK(reader.transaction(sent).value().nonce == 7);
    server.mine({ sent, wallet, player, 7, height - 20, false });
    const auto mined = reader.transaction(sent).value();
    CHECK(mined.state == TransactionState::mined);
    CHECK_FALSE(mined.succeeded);
    CHECK(mined.depth == 20);
    CHECK(mined.from == wallet);
    CHECK(mined.to == player);
    CHECK(reader.transaction("88").error().kind == Kind::usage);
}

TEST_CASE("a receipt of a block that was reorganised away proves nothing") {
    FakeChain server(height);
    server.mine({ sent, wallet, player, 7, height - 20, false });
    server.reorganise(height - 30);
    CHECK(reader_of({ &server }).transaction(sent).error().kind == Kind::unknown);
    server.mine({ sent, wallet, player, 7, height - 20, false });
    CHECK(reader_of({ &server }).transaction(sent).ok());
    server.mine({ sent, wallet, player, 7, height + 5, false });
    CHECK(reader_of({ &server }).transaction(sent).error().kind == Kind::unknown);
}

TEST_CASE("a nonce counts as spent only as deep as asked") {
    FakeChain server(height);
    server.set_first_nonce(wallet, 7);
    server.mine({ fake_hash("other"), wallet, player, 7, height - 10 });
    auto reader = reader_of({ &server });
    CHECK(reader.nonce_at_depth(wallet, 10).value() == 8);
    CHECK(reader.nonce_at_depth(wallet, 11).value() == 7);
    CHECK(reader.nonce_at_depth(wallet, height + 1).value() == 0);
    CHECK(reader.nonce_at_depth("0x12", 1).error().kind == Kind::usage);
}

TEST_CASE("transfers are found over many blocks, whatever range the server allows") {
    FakeChain server(9'000);
    const auto other = fake_address("lin");
    server.transfer({ token, wallet, player, "50000000000000000000", 8'999, fake_hash("b") });
    server.transfer({ token, wallet, player, "7", 3, fake_hash("a") });
    server.transfer({ token, other, player, "9", 4'000, fake_hash("c") });
    server.transfer({ token, wallet, other, "9", 4'000, fake_hash("d") });
    server.transfer({ fake_address("other token"), wallet, player, "9", 4'000, fake_hash("e") });
    server.set_fault(GENERATE(Fault::none, Fault::small_ranges));
    auto reader = reader_of({ &server });
    const auto found = reader.transfers({ token, player, 0, 9000, wallet });
    INFO((found.ok() ? "" : found.error().why));
    REQUIRE(found.ok());
    const auto& from_wallet = found.value();
    REQUIRE(from_wallet.size() == 2);
    CHECK(from_wallet[0].amount == "7");
    CHECK(from_wallet[0].block == 3);
    CHECK(from_wallet[1].amount == "50000000000000000000");
    CHECK(from_wallet[1].transaction == fake_hash("b"));
    CHECK(reader.transfers({ token, player, 0, 9'000 }).value().size() == 3);
    CHECK(reader.transfers({ token, player, 4, 8'998, wallet }).value().empty());
    CHECK(reader.transfers({ token, player, 0, 9'001 }).error().kind == Kind::usage);
    CHECK(reader.transfers({ token, player, 5, 4 }).error().kind == Kind::usage);
}

TEST_CASE("a block is found by its time") {
    const auto newest = from_rfc3339("2026-11-21T10:00:00Z").value();
    FakeChain server(height, newest, 2);
    auto reader = reader_of({ &server });
    using std::chrono::seconds;
    CHECK(reader.block_at_time(newest).value() == height);
    CHECK(reader.block_at_time(newest + seconds(60)).value() == height);
    CHECK(reader.block_at_time(newest + -seconds(1)).value() == height - 1);
    CHECK(reader.block_at_time(newest + -seconds(100)).value() == height - 50);
    CHECK(reader.block_at_time(Moment{ 0 }).value() == 0);
}

TEST_CASE("endpoints that differ are no answer, and the error says what differs") {
    FakeChain one(height), two(height - 3);
    auto reader = reader_of({ &one, &two });
    CHECK(reader.height().value() == height - 3);
    one.mine({ sent, wallet, player, 7, height - 20, false });
    auto differs = reader.transaction(sent);
    REQUIRE(differs.error().kind == Kind::unknown);
    CHECK(differs.error().why.find("failed in block 980") != std::string::npos);
    CHECK(differs.error().why.find(two.url() + " says not found") != std::string::npos);
    two.mine({ sent, wallet, player, 7, height - 20, true });
    CHECK(reader.transaction(sent).error().kind == Kind::unknown);
    two.mine({ sent, wallet, player, 7, height - 20, false });
    CHECK(reader.transaction(sent).value().depth == 17);
    one.transfer({ token, wallet, player, "7", 3, fake_hash("a") });
    // the blocks of two fakes have the same hashes but not the same times
    CHECK(reader.transfers({ token, player, 0, 10 }).error().kind == Kind::unknown);
}

TEST_CASE("one endpoint without an answer is an error, not a majority") {
    const auto newest = from_rfc3339("2026-11-21T10:00:00Z").value();
    FakeChain one(height, newest), two(height, newest);
    auto reader = reader_of({ &one, &two });
    REQUIRE(reader.transfers({ token, player, 0, height }).ok());
    two.set_fault(Fault::refusal);
    const auto refused = reader.transfers({ token, player, 0, height });
    INFO(refused.error().why);
    CHECK(refused.error().kind == Kind::unsupported);
    CHECK(reader.transaction(sent).error().why.find("missing trie node") != std::string::npos);
    config::ChainSettings settings{ .name = "base",
                                    .urls = { Secret("env:RPC", "http://127.0.0.1:1/hunter2") } };
    const auto nobody = chain::open_chain(settings).value().height();
    CHECK(nobody.error().kind == Kind::unavailable);
    CHECK(nobody.error().why.starts_with("env:RPC"));
}

TEST_CASE("an endpoint of another chain is refused") {
    FakeChain base(height), other(height, now(), 2, 1);
    CHECK(reader_of({ &base }, 8453).height().ok());
    CHECK(reader_of({ &other }, 8453).transaction(sent).error().kind == Kind::usage);
    CHECK(reader_of({ &base, &other }).transaction(sent).error().kind == Kind::usage);
}

TEST_CASE("what a server sends in bad faith ends in one error") {
    FakeChain server(height);
    CHECK(kind_of_height(server, Fault::html) == Kind::corrupt);
    CHECK(kind_of_height(server, Fault::wrong_id) == Kind::corrupt);
    CHECK(kind_of_height(server, Fault::huge) == Kind::corrupt);
    CHECK(kind_of_height(server, Fault::server_error) == Kind::unavailable);
    server.transfer({ token, wallet, player, "7", 3, fake_hash("a") });
    server.set_fault(Fault::foreign_logs);
    CHECK(reader_of({ &server }).transfers({ token, wallet, 0, 10 }).error().kind == Kind::corrupt);
    server.set_fault(Fault::reorganising);
    CHECK(reader_of({ &server }).transfers({ token, player, 0, 10 }).error().kind == Kind::unknown);
    CHECK(reader_of({ &server }).nonce_at_depth(wallet, 10).error().kind == Kind::unknown);
}
