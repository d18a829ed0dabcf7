// Which snapshots to keep. A pure function of what there is, the rules and the time; it removes
// nothing. A series is a plan and a type. Whatever the rules say:
//   - the newest good snapshot of a series is kept;
//   - a snapshot that is not whole is kept while no good one is newer, and takes no other's place;
//   - one that lies more than a day ahead of the clock is suspect: kept, and not counted.
#pragma once

#include "base/time.h"
#include "vault/object.h"

#include <functional>
#include <optional>

namespace respawn::vault {

// 0 is a rule that is not set; with none set everything is kept. A snapshot is kept when one of the
// first seven rules keeps it (all are, when only the last two are set); the last two then let go the
// oldest.
struct KeepRules {
    std::int64_t hours = 0, days = 0;                                        // all of the last so many
    std::int64_t hourly = 0, daily = 0, weekly = 0, monthly = 0, yearly = 0; // one each, so many, UTC
    std::int64_t backups = 0;                                                // never more than so many
    std::int64_t bytes = 0; // never more than so many stored bytes
    bool any() const;
};

struct Verdict {
    std::string id;
    bool keep = true;
    std::string why; // "daily 3 of 7", "the last good one", "older than every rule"
};

struct Retention {
    std::vector<Verdict> verdicts; // one a snapshot, in their order
    // Why a person should look before this is done; empty when nothing is unusual.
    std::vector<std::string> concerns;
    std::vector<std::string> going() const; // ids, oldest first
};

// `rules` says which hold for a snapshot; none: kept, with no rule. `present` is the location's clock,
// `last_used` what it showed when a cleanup was last done.
using RulesFor = std::function<std::optional<KeepRules>(const Snapshot&)>;
Retention decide_retention(const std::vector<Snapshot>& snapshots, const RulesFor& rules,
                           Moment present, std::optional<Moment> last_used);

} // namespace respawn::vault
