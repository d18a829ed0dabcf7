// Two locations of one vault, as a machine with a configuration has them.
#pragma once

#include "fixture.h"
#include "vault/key_files.h"

#include <atomic>

namespace respawn::vault_test {

struct Places {
    Bench first;
    std::shared_ptr<BrokenLocation> second = std::make_shared<BrokenLocation>();
    io::Path second_cache = first.folder.path() / "second";

    BrokenLocation& one() { return static_cast<BrokenLocation&>(*first.location); }
    BrokenLocation& two() { return *second; }
    std::unique_ptr<vault::Vault> open_first() { return first.open(); }
    std::unique_ptr<vault::Vault> open_second(std::shared_ptr<location::Location> at = {}) {
        return vault::Vault::open(at ? at : second, first.key, second_cache, first.cache).value();
    }
    // What one lacks of the other; the first time the keys, too.
    Result<vault::ReplicateReport> try_copy(std::shared_ptr<location::Location> to = {}) {
        const auto from = TRY(first.try_open());
        TRY(vault::bring_keys(*first.location, to ? *to : *second));
        const auto target =
            TRY(vault::Vault::open(to ? to : second, first.key, second_cache, first.cache));
        return target->replicate_from(*from, Cancellation());
    }
    vault::ReplicateReport copy() { return try_copy().value(); }
    std::vector<std::string> second_damage() {
        std::vector<std::string> lines;
        for (const auto& damage :
             open_second()->check(vault::CheckDepth::read_data, Cancellation()).value().damage)
            lines.push_back(damage.object + ": " + damage.why);
        return lines;
    }
    // The first location, reading also from the second.
    std::unique_ptr<vault::Vault> open_both() {
        auto vault = open_first();
        vault->read_also({ { .name = "second", .location = second, .open = [this] {
                                return Result<std::shared_ptr<vault::Vault>>(open_second());
                            } } });
        return vault;
    }
};

// Answers so many reads, then no more.
class Dropping final : public location::Location {
  public:
    Dropping(std::shared_ptr<location::Location> to, int reads) : to_(std::move(to)), left_(reads) {}
    Result<void> create(std::string_view name, io::Source& bytes) override {
        return to_->create(name, bytes);
    }
    Result<std::string> read(std::string_view name, location::Range range) override {
        return --left_ < 0 ? Result<std::string>(error_) : to_->read(name, range);
    }
    Result<std::vector<location::Entry>> list(std::string_view prefix) override {
        return left_ < 0 ? Result<std::vector<location::Entry>>(error_) : to_->list(prefix);
    }
    Result<void> remove(std::string_view name) override { return to_->remove(name); }
    Result<Moment> now() override { return to_->now(); }
    std::string url() const override { return to_->url(); }
    void only(int reads) { left_ = reads; }

  private:
    std::shared_ptr<location::Location> to_;
    std::atomic<int> left_;
    Error error_{ .kind = Kind::unavailable, .why = "the server dropped us" };
};

} // namespace respawn::vault_test
