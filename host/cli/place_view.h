// What became of the locations of a vault, as verbs say it.
#pragma once

#include "cli/opening.h"
#include "run/places.h"

namespace respawn::cli {

// {name, url, has_all, copied, healed_blobs, stored_bytes, error}
Value to_value(const run::PlaceReport& report);
// A warning for each location that lacks something now, with what to do; true when none does.
bool tell_shortfalls(const std::vector<run::PlaceReport>& reports);

// After what a verb stored at the first location: copies it to the others. True when all have it.
struct Shared {
    std::vector<run::PlaceReport> places;
    bool all = true;
};
Shared share_with_others(const Context& context, run::Game& game);
// "locations": where the snapshot is; added to a JSON object.
Value locations_of(run::Game& game, const Shared& shared);

// Before keys are changed: the newest there are anywhere are here. Kind::conflict when two locations
// have changed theirs without each other, or this one is known to be behind.
Result<void> must_have_all_keys(OpenVault& open);
// Gives changed keys to the other locations; 0, or 3 when one did not get them.
int share_keys(OpenVault& open);

// The locations a verb works on: all, or the one that --from names. One that does not open has its
// error in it.
Result<std::vector<run::Place*>> asked_places(const Context& context, run::Game& game);

// Does the same at each of these. One that does not answer, or fails, leaves the others: it is named,
// and the code is 3. The error itself when it fails everywhere.
Result<int> at_each(const std::vector<run::Place*>& places,
                    const std::function<Result<void>(run::Place&)>& act);

} // namespace respawn::cli
