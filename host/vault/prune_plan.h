// Which packs prune deletes, and which it writes anew first: a look at the whole vault that changes
// nothing.
#pragma once

#include "vault/keeping.h"
#include "vault/marks.h"
#include "vault/reach.h"
#include "vault/removal.h"

namespace respawn::vault {

// What prune looks at: who needs what, and which packs are there.
struct Survey {
    Reach reach;
    std::unordered_map<PackId, std::uint64_t, IdHash> sizes; // of the packs that are there
    BadPlaces bad;
    std::uint64_t snapshots = 0, in_grace = 0;

    // False for a place in a pack that is gone or cut short, and for one that check found damaged.
    bool sound(const IndexRow& row) const;
};
// Snapshots are listed first, and the index is read behind them. Kind::corrupt when what a snapshot
// needs cannot be told.
Result<Survey> survey(Vault::State& vault, Moment present, Duration grace, const Cancellation& cancel);

class PackUse {
  public:
    explicit PackUse(const Survey& survey);
    // Which of several places of a blob is the one that stays.
    std::size_t kept_row(std::size_t first, std::size_t end) const;
    std::uint64_t live(std::uint32_t pack) const { return live_[pack]; }
    std::uint64_t unused(std::uint32_t pack) const { return total_[pack] - live_[pack]; }
    std::size_t live_blobs(std::uint32_t pack) const { return blobs_[pack]; }

  private:
    const Survey& survey_;
    std::vector<std::uint64_t> total_, any_live_, live_;
    std::vector<std::uint32_t> blobs_;
};

struct PrunePlan {
    PackSet unused;                     // nobody needs any of it
    std::vector<std::uint32_t> rewrite; // packs to copy from, by their number in the index
    std::uint64_t used_bytes = 0, unused_bytes = 0, copied_bytes = 0, freed_bytes = 0;
    bool empty() const { return unused.empty() && rewrite.empty(); }
};
// `leftovers`: packs that no index file names are counted as unused. At most `most_copied` bytes are to
// be copied, if any.
PrunePlan make_plan(const Survey& survey, const PackUse& use, double max_unused, bool leftovers,
                    std::uint64_t most_copied);

} // namespace respawn::vault
