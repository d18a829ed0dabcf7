// The locations of the configuration: each is a whole vault by itself, and all are one vault. Opened
// when they are first needed; what does not answer is passed over where another one does. State
// remembers where a vault was seen, so that one that is gone is never made anew in silence.
#pragma once

#include "config/config.h"
#include "vault/vault.h"

#include <memory>
#include <optional>
#include <set>

namespace respawn::run {

struct Place {
    std::string name, url;
    io::Path cache;
    std::shared_ptr<location::Location> location; // null when it could not even be named
    std::shared_ptr<vault::Vault> vault;          // once it was opened
    std::optional<Error> error;                   // once it was not
    bool seen = false;                            // a vault was there before
};

// What copying to one location did.
struct PlaceReport {
    std::string name, url;
    std::optional<Error> error; // it was down, full, another vault, …
    vault::ReplicateReport report;
    bool ok() const { return !error && report.failed.empty(); }
};

// What is missing somewhere.
struct Shortfall {
    std::vector<std::string> lacks; // ids of snapshots that another location has, oldest first
    std::int64_t lag = 0; // microseconds from its newest good snapshot to the newest good one anywhere
};

class Places {
  public:
    Places(const config::Config& config, vault::Unlock unlock);
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

    std::vector<Place>& all() { return all_; }
    const std::vector<Place>& all() const { return all_; }
    // By name; Kind::usage with the names there are.
    Result<Place*> find(std::string_view name);
    // The vault at one place, as it is. Kind::conflict when it is not the vault of the others.
    Result<vault::Vault*> open(Place& place);
    // Nothing but this one is read and written from now on.
    Result<void> only(std::string_view name);

    // The first that answers; it reads what it lacks from the others. Kind::missing when there is no
    // vault anywhere and none is to be made. A new one is made only where every location says that it
    // has none, and none was ever seen.
    Result<vault::Vault*> first(bool create);
    Place* first_place() { return first_; }
    // So that this one, too, reads from the others: for repair, one after the other.
    void let_read_others(Place& place);
    // A vault was there before, and none is now.
    Error gone(const Place& place) const;
    // Who was passed over, and why; each is said once.
    std::vector<std::string> take_notices();

    // Copies what the others have to each of these, at the same time, whatever becomes of the rest. An
    // empty place gets the keys first; one where a vault was seen before only when `anew`.
    std::vector<PlaceReport> copy(const std::vector<Place*>& from, const std::vector<Place*>& to,
                                  bool anew, const Cancellation& cancel,
                                  const vault::Progress& progress = {});
    // After a backup: from the first to all others.
    std::vector<PlaceReport> copy_to_others(const Cancellation& cancel,
                                            const vault::Progress& progress = {});
    // Slot files: each location gets the newest there are. Those that cannot be reached, or have other
    // keys, are reported.
    std::vector<PlaceReport> share_keys();
    // Kind::conflict when this machine has seen newer keys than the first location has: to change what
    // it has now would part them for good.
    Result<void> must_know_newest_keys();

    // Of the places that are open, in the order of all().
    std::vector<Shortfall> shortfalls();

  private:
    Result<vault::Vault*> adopt(Place& place);
    Result<vault::Vault*> make_first();
    Result<void> mark_seen(Place& place);
    unsigned newest_keys_seen() const;
    void read_seen();

    std::vector<Place> all_;
    vault::Unlock unlock_;
    io::Path state_;
    std::string id_; // the vault's, once it is known
    bool ever_seen_ = false;
    Place* first_ = nullptr;
    Place* only_ = nullptr;
    std::vector<std::string> notices_;
};

} // namespace respawn::run
