// What the tests of this folder share: a vault on a bench, contents to put into it, a location that
// breaks.
#pragma once

#include "location/locations.h"
#include "vault/vault.h"

#include <atomic>
#include <map>
#include <mutex>
#include <string>

namespace respawn::vault_test {

// Bytes that do not compress, the same for the same seed.
std::string noise(std::size_t size, std::uint64_t seed);
// Lines that do.
std::string prose(std::size_t size, std::uint64_t seed);

using Files = std::map<std::string, std::string>;

// A location of its own, a key and a cache folder.
struct Bench {
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    crypto::Key key = crypto::Key::random();
    std::shared_ptr<location::Location> location;
    io::Path cache = folder.path() / "cache";

    // In memory.
    Bench();
    explicit Bench(std::shared_ptr<location::Location> at) : location(std::move(at)) {}

    // Makes the vault when there is none.
    Result<std::unique_ptr<vault::Vault>> try_open();
    std::unique_ptr<vault::Vault> open() { return try_open().value(); }
    // One component "files" with these files in one folder.
    Result<vault::Snapshot> try_back_up(const Files& files);
    vault::Snapshot back_up(const Files& files) { return try_back_up(files).value(); }
    Result<std::string> try_restored(const vault::Snapshot& snapshot, const std::string& name);
    std::string restored(const vault::Snapshot& snapshot, const std::string& name) {
        return try_restored(snapshot, name).value();
    }
    vault::CheckReport check(vault::CheckDepth depth = vault::CheckDepth::read_data);
    // "packs/8a/…: why" for every damage.
    std::vector<std::string> damage();
    void lose_cache() { std::filesystem::remove_all(cache); }
};

Result<vault::Snapshot> back_up_into(vault::Vault& vault, const Files& files,
                                     vault::Counters* counters = nullptr);

Result<std::string> restored_from(vault::Vault& vault, const vault::Snapshot& snapshot,
                                  const std::string& name);

// A location in memory whose files a test can change, and that fails when told to.
class BrokenLocation : public location::Location {
  public:
    Result<void> create(std::string_view name, io::Source& bytes) override;
    Result<std::string> read(std::string_view name, location::Range range) override;
    Result<std::vector<location::Entry>> list(std::string_view prefix) override;
    Result<void> remove(std::string_view name) override;
    Result<Moment> now() override { return respawn::now() + clock_is_ahead; }
    std::string url() const override { return "memory:broken"; }

    std::map<std::string, std::string, std::less<>> files;
    int creations = 0;
    int fail_at = -1;       // this creation (from 0) and all later ones fail
    bool half_done = false; // the failing one is written and yet reported as failed
    Kind failure = Kind::io;
    std::size_t bytes_read = 0;
    Duration clock_is_ahead{};

  private:
    std::mutex mutex_; // a backup writes on threads of its own
};

// Fails at the Nth call that changes something and at all that follow, as if the process had died
// there.
class Dying final : public location::Location {
  public:
    Dying(std::shared_ptr<location::Location> to, int calls) : to_(std::move(to)), left_(calls) {}
    Result<void> create(std::string_view name, io::Source& bytes) override {
        return dead() ? Result<void>(error_) : to_->create(name, bytes);
    }
    Result<std::string> read(std::string_view name, location::Range range) override {
        return left_ <= 0 ? Result<std::string>(error_) : to_->read(name, range);
    }
    Result<std::vector<location::Entry>> list(std::string_view prefix) override {
        return left_ <= 0 ? Result<std::vector<location::Entry>>(error_) : to_->list(prefix);
    }
    Result<void> remove(std::string_view name) override {
        return dead() ? Result<void>(error_) : to_->remove(name);
    }
    Result<Moment> now() override { return left_ <= 0 ? Result<Moment>(error_) : to_->now(); }
    std::string url() const override { return to_->url(); }

  private:
    bool dead() { return --left_ <= 0; }
    std::shared_ptr<location::Location> to_;
    std::atomic<int> left_;
    Error error_{ .kind = Kind::io, .why = "killed" };
};

BrokenLocation& broken(Bench& bench); // its location
std::size_t bytes_in_packs(Bench& bench);
// Nothing stays for undelete or because little of a pack is unused.
inline const vault::PruneOptions prune_at_once{ .max_unused = 0, .grace = {} };

// Whose name begins so; the first of them.
std::string first_name(const BrokenLocation& location, std::string_view prefix);

} // namespace respawn::vault_test
