#include "run/places.h"

#include "base/bytes.h"
#include "base/text.h"
#include "location/locations.h"
#include "vault/key_files.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <mutex>
#include <span>
#include <thread>

namespace respawn::run {

namespace {

constexpr std::size_t largest_seen = 1 << 20;

// The first one's cache lies where it lay when there was but one.
io::Path cache_of(const io::Path& state, const std::string& url, bool first) {
    const auto folder = state / "cache";
    return first ? folder : folder / to_hex(crypto::sha256(url)).substr(0, 16);
}

bool is_none(const Error& error) { return error.kind == Kind::missing; }

// What copying to one place needs, apart from what other threads use.
struct Copying {
    std::vector<Place> from;
    Place to;
    vault::Unlock unlock;
    io::Path memory;
    bool anew;
    const Cancellation& cancel;
    vault::Progress progress;

    Result<std::shared_ptr<vault::Vault>> open(const Place& place) const {
        return std::shared_ptr<vault::Vault>(
            TRY(vault::Vault::open(place.location, unlock, place.cache, memory)));
    }

    Result<void> must_not_be_lost() const {
        const auto there = vault::vault_at(*to.location);
        if (there.ok() || !is_none(there.error()))
            return there.ok() ? Result<void>() : there.error();
        if (!to.seen || anew)
            return {};
        return Error{
            .kind = Kind::missing,
            .why = fmt::format("the vault at {} was there before and is gone", to.url),
            .fix = fmt::format(
                "is the disk mounted? To fill the place anew: respawn replicate --to {} --anew",
                to.name)
        };
    }

    // A source that fails leaves the others; what none of them could give is what has failed.
    Result<vault::ReplicateReport> run() const {
        TRY(must_not_be_lost());
        vault::ReplicateReport all;
        std::shared_ptr<vault::Vault> target;
        std::optional<Error> source_error;
        bool copied = false;
        for (const auto& source : from) {
            TRY(vault::bring_keys(*source.location, *to.location));
            if (!target)
                target = TRY(open(to));
            const auto opened = open(source);
            if (!opened.ok()) {
                source_error = opened.error();
                continue;
            }
            add(all, TRY(target->replicate_from(*opened.value(), cancel, progress)));
            copied = true;
        }
        return copied || !source_error ? Result<vault::ReplicateReport>(std::move(all)) : *source_error;
    }

    static void add(vault::ReplicateReport& all, vault::ReplicateReport more) {
        all.copied.insert(all.copied.end(), more.copied.begin(), more.copied.end());
        for (auto& failed : more.failed)
            if (std::ranges::find(all.failed, failed.object, &vault::Damage::object) ==
                all.failed.end())
                all.failed.push_back(std::move(failed));
        std::erase_if(all.failed, [&](const vault::Damage& failed) {
            return std::ranges::any_of(
                all.copied, [&](const std::string& id) { return failed.object == "snapshot " + id; });
        });
        all.healed += more.healed;
        all.blobs += more.blobs;
        all.stored_bytes += more.stored_bytes;
    }
};

} // namespace

Places::Places(const config::Config& config, vault::Unlock unlock)
    : unlock_(std::move(unlock)), state_(config.state) {
    for (const auto& settings : config.locations) {
        Place place{ .name = settings.name,
                     .url = settings.url,
                     .cache = cache_of(state_, settings.url, all_.empty()),
                     .location = {},
                     .vault = {},
                     .error = {} };
        auto opened = location::open_location(settings.url);
        if (opened.ok())
            place.location = std::move(opened).value();
        else
            place.error = opened.error();
        all_.push_back(std::move(place));
    }
    read_seen();
}

// The vault's id, then the places where it was seen, a line each; an older file has the id alone.
void Places::read_seen() {
    const auto text = io::read_file(state_ / "vault-seen", largest_seen);
    if (!text.ok())
        return;
    ever_seen_ = true;
    const auto lines = split(text.value(), '\n');
    id_ = lines.front();
    bool any = false;
    for (const auto& line : std::span(lines).subspan(1))
        for (auto& place : all_)
            if (!line.empty()) {
                any = true;
                place.seen = place.seen || place.url == line;
            }
    if (!any)
        all_.front().seen = true;
}

Result<void> Places::mark_seen(Place& place) {
    if (std::exchange(place.seen, true) && ever_seen_)
        return {};
    ever_seen_ = true;
    auto text = id_ + "\n";
    for (const auto& one : all_)
        if (one.seen)
            text += one.url + "\n";
    TRY(io::make_folder(state_));
    return io::replace_durably(state_ / "vault-seen", text);
}

Result<Place*> Places::find(std::string_view name) {
    std::vector<std::string> names;
    for (auto& place : all_) {
        if (place.name == name)
            return &place;
        names.push_back(place.name);
    }
    const auto near = nearest(name, names);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("there is no location '{}' in the configuration", printable(name)),
                  .fix = near.empty() ? "there is: " + join(names, ", ")
                                      : fmt::format("did you mean {}?", near) };
}

Result<void> Places::only(std::string_view name) {
    only_ = TRY(find(name));
    return {};
}

Result<vault::Vault*> Places::open(Place& place) {
    if (place.vault)
        return place.vault.get();
    if (place.error)
        return *place.error;
    auto opened = vault::Vault::open(place.location, unlock_, place.cache, state_ / "cache");
    if (opened.ok() && !id_.empty() && opened.value()->id() != id_ && all_.size() > 1)
        opened = Error{ .kind = Kind::conflict,
                        .why = fmt::format("{} holds another vault than the one that was seen at {}",
                                           place.url, first_ ? first_->url : "the other locations"),
                        .fix = "all locations of one configuration are one vault: name an empty place "
                               "instead; if it is the right one, remove " +
                               (state_ / "vault-seen").string() };
    if (!opened.ok()) {
        place.error = std::move(opened).while_doing("open the vault", place.url).error();
        return *place.error;
    }
    place.vault = std::move(opened).value();
    return place.vault.get();
}

Error Places::gone(const Place& place) const {
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("the vault at {} was there before and is gone", place.url),
                  .fix = fmt::format("find out why; to begin a new one all the same, remove {}",
                                     (state_ / "vault-seen").string()) };
}

Result<vault::Vault*> Places::first(bool create) {
    if (first_)
        return first_->vault.get();
    std::optional<Error> trouble;
    for (auto& place : all_) {
        if (only_ && only_ != &place)
            continue;
        const auto opened = open(place);
        if (opened.ok())
            return adopt(place);
        if (only_)
            return opened.error();
        if (!is_none(opened.error()) && !trouble)
            trouble = opened.error();
        if (!is_none(opened.error()) || place.seen)
            notices_.push_back(
                fmt::format("location {} is passed over: {}", place.name,
                            is_none(opened.error()) ? gone(place).why : opened.error().why));
    }
    notices_.clear(); // what follows says it
    if (trouble)
        return *trouble;
    if (ever_seen_)
        return Result<void>(gone(all_.front())).while_doing("open the vault", all_.front().url).error();
    if (!create)
        return Error{ .kind = Kind::missing,
                      .what = "open the vault",
                      .on = all_.front().url,
                      .why = fmt::format("there is no vault at {} yet", all_.front().url),
                      .fix = "the first backup makes it: respawn backup" };
    return make_first();
}

Result<vault::Vault*> Places::make_first() {
    auto& place = all_.front();
    auto made = vault::Vault::create(place.location, unlock_, place.cache, state_ / "cache")
                    .while_doing("open the vault", place.url);
    place.error.reset();
    if (made.ok())
        place.vault = std::move(made).value();
    else if (!open(place).ok()) // unless another host has made it at this very moment
        return std::move(made).failure();
    return adopt(place);
}

Result<vault::Vault*> Places::adopt(Place& place) {
    first_ = &place;
    id_ = place.vault->id();
    TRY(mark_seen(place));
    let_read_others(place);
    return place.vault.get();
}

// One at a time has siblings: two that held each other would never end.
void Places::let_read_others(Place& place) {
    for (auto& other : all_)
        if (other.vault && &other != &place)
            other.vault->read_also({});
    std::vector<vault::Sibling> siblings;
    for (auto& other : all_)
        if (&other != &place && other.location && !only_)
            siblings.push_back({ .name = other.name,
                                 .location = other.location,
                                 .open = [this, &other]() -> Result<std::shared_ptr<vault::Vault>> {
                                     TRY(open(other));
                                     return other.vault;
                                 } });
    place.vault->read_also(std::move(siblings));
}

std::vector<std::string> Places::take_notices() { return std::exchange(notices_, {}); }

std::vector<PlaceReport> Places::copy(const std::vector<Place*>& from, const std::vector<Place*>& to,
                                      bool anew, const Cancellation& cancel,
                                      const vault::Progress& progress) {
    std::mutex mutex;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> far(to.size());
    std::vector<PlaceReport> reports(to.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < to.size(); ++i) {
        auto& target = *to[i];
        auto& report = reports[i];
        report.name = target.name;
        report.url = target.url;
        if (!target.location) {
            report.error = target.error;
            continue;
        }
        const auto say = [&, i](std::uint64_t done, std::uint64_t total) {
            const std::scoped_lock lock(mutex);
            far[i] = { done, total };
            std::uint64_t all_done = 0, all_total = 0;
            for (const auto& [one_done, one_total] : far) {
                all_done += one_done;
                all_total += one_total;
            }
            if (progress)
                progress(all_done, all_total);
        };
        Copying copying{ {}, target, unlock_, state_ / "cache", anew, cancel, say };
        copying.to.vault.reset();
        for (const auto* source : from)
            if (source != &target && source->location) {
                copying.from.push_back(*source);
                copying.from.back().vault.reset();
            }
        threads.emplace_back([&report, copying = std::move(copying)] {
            auto done = copying.run();
            if (done.ok())
                report.report = std::move(done).value();
            else
                report.error = std::move(done).error();
        });
    }
    for (auto& thread : threads)
        thread.join();
    for (std::size_t i = 0; i < to.size(); ++i) {
        if (reports[i].error)
            continue;
        const auto marked = mark_seen(*to[i]);
        if (!marked.ok())
            reports[i].error = marked.error();
        // What is open of it has an index from before.
        if (to[i] != first_) {
            to[i]->vault.reset();
            to[i]->error.reset();
        }
    }
    return reports;
}

std::vector<PlaceReport> Places::copy_to_others(const Cancellation& cancel,
                                                const vault::Progress& progress) {
    std::vector<Place*> others;
    for (auto& place : all_)
        if (&place != first_ && !only_)
            others.push_back(&place);
    if (!first_ || others.empty())
        return {};
    return copy({ first_ }, others, false, cancel, progress);
}

std::vector<PlaceReport> Places::share_keys() {
    std::vector<PlaceReport> reports;
    if (!first_ || only_)
        return reports;
    for (auto& place : all_) {
        if (&place == first_)
            continue;
        PlaceReport report{ .name = place.name, .url = place.url, .error = place.error, .report = {} };
        const auto there =
            place.location ? vault::vault_at(*place.location) : Result<std::string>(*place.error);
        if (!there.ok() && (!is_none(there.error()) || place.seen))
            report.error = is_none(there.error()) ? gone(place) : there.error();
        if (there.ok()) {
            auto shared = vault::bring_keys(*first_->location, *place.location);
            if (shared.ok())
                shared = vault::bring_keys(*place.location, *first_->location);
            report.error = shared.ok() ? std::optional<Error>() : shared.error();
        }
        reports.push_back(std::move(report));
    }
    (void)must_know_newest_keys(); // remembers what it sees
    return reports;
}

unsigned Places::newest_keys_seen() const {
    const auto text = io::read_file(state_ / "keys-seen", 64);
    const auto lines = text.ok() ? split(text.value(), ' ') : std::vector<std::string_view>();
    unsigned number = 0;
    if (lines.size() == 2 && lines.front() == id_)
        std::from_chars(lines[1].data(), lines[1].data() + lines[1].size(), number);
    return number;
}

Result<void> Places::must_know_newest_keys() {
    const auto number = TRY(vault::newest_key_file(*first_->location)), seen = newest_keys_seen();
    if (number > seen)
        return io::replace_durably(state_ / "keys-seen", fmt::format("{} {}", id_, number));
    if (number == seen || all_.size() == 1)
        return {};
    return Error{ .kind = Kind::conflict,
                  .why =
                      fmt::format("the keys were changed while {} was out of reach: it has {} and {} "
                                  "is in force",
                                  first_->name, number, seen),
                  .fix =
                      "nothing was changed; let the other locations answer, then: respawn replicate" };
}

std::vector<Shortfall> Places::shortfalls() {
    struct Held {
        std::set<std::string> ids, removed;
        std::int64_t newest_good = 0;
    };
    std::vector<Held> held(all_.size());
    std::map<std::string, const vault::Snapshot*> known;
    std::vector<std::vector<vault::Snapshot>> lists(all_.size());
    std::int64_t newest = 0;
    for (std::size_t i = 0; i < all_.size(); ++i) {
        if (!all_[i].vault)
            continue;
        std::vector<vault::Damage> damaged;
        auto list = all_[i].vault->own_snapshots(&damaged);
        auto removed = all_[i].vault->removed_ids();
        if (!list.ok() || !removed.ok())
            continue;
        lists[i] = std::move(list).value();
        held[i].removed = { removed.value().begin(), removed.value().end() };
        for (const auto& damage : damaged) // there, and another matter
            held[i].ids.insert(damage.hurts.empty() ? "" : damage.hurts.front().substr(9));
        for (const auto& snapshot : lists[i]) {
            if (held[i].removed.contains(snapshot.id))
                continue;
            held[i].ids.insert(snapshot.id);
            known.emplace(snapshot.id, &snapshot);
            if (snapshot.good())
                held[i].newest_good = std::max(held[i].newest_good, snapshot.started);
        }
        newest = std::max(newest, held[i].newest_good);
    }
    std::vector<Shortfall> found(all_.size());
    for (std::size_t i = 0; i < all_.size(); ++i) {
        for (const auto& [id, snapshot] : known)
            if (all_[i].vault && !held[i].ids.contains(id) && !held[i].removed.contains(id))
                found[i].lacks.push_back(id);
        if (!found[i].lacks.empty())
            found[i].lag = newest - held[i].newest_good;
    }
    return found;
}

} // namespace respawn::run
