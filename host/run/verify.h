// Verifying a backup: each of its components is brought back to a scratch place, looked at, and dropped
// again. What came of it is the snapshot's proof.
#pragma once

#include "run/game.h"
#include "run/rules.h"

namespace respawn::run {

struct CopyOutcome {
    std::string component, kind;
    std::uint64_t size_bytes = 0, files = 0;
    std::int64_t duration = 0;      // of bringing it back, in microseconds
    std::string error;              // empty: it came back as it was
    bool left_out = false;          // there is no place to bring it back to; `error` says which and why
    std::vector<std::string> notes; // what is not as it was in the copy, and why
};

struct CheckOutcome {
    config::CheckSettings check;
    std::string component;
    Value found, before;
    bool passed = false;
    std::string error; // it could not be asked
    std::int64_t duration = 0;
};

struct Verification {
    std::string snapshot; // id
    std::string plan;     // whose checks they are; empty: of all plans
    Moment started;
    std::int64_t duration = 0;
    std::vector<CopyOutcome> copies;
    std::vector<CheckOutcome> checks;
    std::vector<RuleOutcome> rules;
    std::int64_t restore_duration() const; // of all copies: how long bringing everything back takes
    bool passed() const;
    // False when it is not proven, and nothing speaks against it: components were left out.
    bool tells() const;
};

struct VerifyRequest {
    vault::Snapshot snapshot;
    std::string plan; // whose checks; empty: the snapshot's plan, or all plans' for one without
    // Emptied of what a killed verify left; one verify at a time works there (Kind::leased).
    io::Path scratch;
};

using VerifyProgress =
    std::function<void(const std::string& component, std::uint64_t done, std::uint64_t total)>;

// A component that does not come back as it was, and a check or rule that does not hold, are outcomes;
// an Error means that it could not be told: no space, interrupted. Nothing is left in the scratch
// place. A component with no place to go to is left out, which is no proof. Without a configuration
// nothing is asked.
Result<Verification> verify(vault::Vault& vault, const config::Config* config,
                            const VerifyRequest& request, const Cancellation& cancel,
                            const VerifyProgress& progress);

Value to_value(const Verification& verification);
vault::Proof proof_of(const Verification& verification);
// "unproven", "proven 2 h ago", "failed 3 min ago".
std::string proof_text(const vault::Proof* proof);

} // namespace respawn::run
