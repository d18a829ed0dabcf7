// The audit chain: what was written into the journal, an entry for each row as it stood then, each
// entry sealed to the one before it by a MAC under the journal's key. A row that was changed, taken
// away or slipped in by another hand than respawn's no longer agrees with its newest entry, and an
// entry that was changed breaks the chain behind it. Thread-safe: it only holds the key.
#pragma once

#include "crypto/crypto.h"
#include "journal/store.h"

namespace respawn::journal {

// A row of the journal that the chain watches, by its key.
struct Watched {
    std::string_view table; // "runs", "calls", "answers", "approvals", "rehearsals"
    std::vector<Value> key;
};

// The approvals of a plan.
Result<std::vector<Watched>> watched_approvals(database::Session& session, std::string_view plan);

class Audit {
  public:
    // The store outlives it.
    Audit(const Store& store, const crypto::Key& key);

    // Appends the rows as they stand now in this transaction; one that is gone is noted as removed.
    Result<void> append(database::Session& session, const std::vector<Watched>& rows) const;

    // Goes through the whole chain and all rows. With a head from before ("1234:3f9a…"), that it lies
    // in the chain.
    Result<AuditReport> verify(database::Session& session, std::string_view known_head) const;

  private:
    struct Entry;
    std::string mac_of(const Entry& entry, const std::string& before) const;

    const Store& store_;
    const crypto::Key key_;
};

} // namespace respawn::journal
