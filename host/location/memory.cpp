#include "location/kinds.h"

#include <fmt/format.h>
#include <map>
#include <mutex>

namespace respawn::location {

namespace {

class MemoryLocation final : public Location {
  public:
    explicit MemoryLocation(std::string_view name) : name_(name) {}

    Result<void> create(std::string_view name, io::Source& bytes) override {
        TRY(must_be_name(name));
        auto content = TRY(io::read_all(bytes));
        const std::scoped_lock lock(mutex_);
        const auto [place, added] = files_.try_emplace(std::string(name), std::move(content));
        if (!added && place->second != content) // an emplace that did nothing has moved nothing
            return taken(name, url());
        return {};
    }

    Result<std::string> read(std::string_view name, Range range) override {
        TRY(must_be_name(name));
        const std::scoped_lock lock(mutex_);
        const auto found = files_.find(name);
        if (found == files_.end())
            return not_there(name, url());
        if (range.offset >= found->second.size())
            return std::string();
        return found->second.substr(range.offset, range.length);
    }

    Result<std::vector<Entry>> list(std::string_view prefix) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Entry> entries;
        for (auto at = files_.lower_bound(prefix); at != files_.end() && at->first.starts_with(prefix);
             ++at)
            entries.push_back({ at->first, at->second.size() });
        return entries;
    }

    Result<void> remove(std::string_view name) override {
        TRY(must_be_name(name));
        const std::scoped_lock lock(mutex_);
        if (const auto found = files_.find(name); found != files_.end())
            files_.erase(found);
        return {};
    }

    Result<Moment> now() override { return respawn::now(); }

    std::string url() const override { return "memory:" + name_; }

  private:
    std::string name_;
    std::mutex mutex_;
    std::map<std::string, std::string, std::less<>> files_;
};

} // namespace

std::shared_ptr<Location> memory_location(std::string_view name) {
    static std::mutex mutex;
    static std::map<std::string, std::shared_ptr<Location>, std::less<>> known;
    const std::scoped_lock lock(mutex);
    auto& place = known[std::string(name)];
    if (!place)
        place = std::make_shared<MemoryLocation>(name);
    return place;
}

} // namespace respawn::location
