#include "fixture.h"

#include <catch2/catch.hpp>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

vault::Proof proof(const std::string& snapshot, bool passed) {
    return { .snapshot = snapshot,
             .at = now(),
             .host = "here",
             .duration = 1500,
             .passed = passed,
             .detail = Value::Map{ { "checks", Value::List{ 1, "two" } } } };
}

std::size_t files(Bench& bench) { return bench.location->list("proofs/").value().size(); }

} // namespace

TEST_CASE("the newest proof of a snapshot counts, on every machine that has the vault open") {
    Bench bench;
    const auto first = bench.back_up({ { "a", "1" } }), second = bench.back_up({ { "a", "2" } });
    auto vault = bench.open();
    REQUIRE(vault->proofs().value().empty());
    REQUIRE(vault->add_proof(proof(first.id, false)).ok());
    REQUIRE(vault->add_proof(proof(first.id, true)).ok());
    REQUIRE(vault->add_proof(proof(second.id, false)).ok());
    const auto found = bench.open()->proofs().value();
    REQUIRE(found.size() == 2);
    REQUIRE(found.at(first.id).passed);
    REQUIRE(found.at(first.id).duration == 1500);
    REQUIRE(found.at(first.id).detail == proof(first.id, true).detail);
    REQUIRE_FALSE(found.at(second.id).passed);
    const auto report = bench.check();
    REQUIRE(report.damage.empty());
    REQUIRE(report.notes.empty());
}

TEST_CASE("a damaged proof is none, a check names it, and no backup is hurt") {
    Bench bench(std::make_shared<BrokenLocation>());
    const auto snapshot = bench.back_up({ { "a", "1" } });
    REQUIRE(bench.open()->add_proof(proof(snapshot.id, true)).ok());
    auto& location = static_cast<BrokenLocation&>(*bench.location);
    auto& bytes = location.files.at(first_name(location, "proofs/"));
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
    REQUIRE(bench.open()->proofs().value().empty());
    REQUIRE(bench.damage().size() == 1);
    REQUIRE(bench.damage().front().starts_with("proofs/"));
    REQUIRE(bench.restored(snapshot, "a") == "1");
    // One that was moved to another snapshot's name is none either.
    location.files["proofs/01arz3ndektsv4rrffq69g5fav-01arz3ndektsv4rrffq69g5fav"] = bytes;
    location.files["proofs/nonsense"] = "x";
    REQUIRE(bench.open()->proofs().value().empty());
}

TEST_CASE("prune removes proofs of snapshots that are gone, and those that a later one has replaced") {
    Bench bench;
    const auto gone = bench.back_up({ { "a", "1" } }), kept = bench.back_up({ { "a", "2" } });
    for (const auto* snapshot : { &gone, &kept, &kept })
        REQUIRE(bench.open()->add_proof(proof(snapshot->id, true)).ok());
    REQUIRE(bench.open()->remove({ gone.id }, "test", true).ok());
    REQUIRE(bench.open()->prune({}, Cancellation()).ok());
    REQUIRE(files(bench) == 2); // the removed one can still be brought back
    REQUIRE(bench.open()->prune({ .grace = Duration(-1) }, Cancellation()).ok());
    REQUIRE(files(bench) == 1);
    REQUIRE(bench.open()->proofs().value().contains(kept.id));
}
