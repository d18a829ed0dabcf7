#include "vault/content_lists.h"

namespace respawn::vault {

namespace {

constexpr std::size_t least = 256, most = 8192;

bool ends_list(const std::vector<ListItem>& items) {
    const auto& id = items.back().id.bytes;
    return items.size() >= most || (items.size() >= least && id[0] == 0 && (id[1] & 3) == 0);
}

} // namespace

Result<void> ContentLists::add(const ListItem& item, std::size_t level) {
    if (levels_.size() == level)
        levels_.emplace_back();
    levels_[level].push_back(item);
    return ends_list(levels_[level]) ? close(level) : Result<void>();
}

Result<void> ContentLists::close(std::size_t level) {
    const auto items = std::exchange(levels_[level], {});
    std::uint64_t size = 0;
    for (const auto& item : items)
        size += item.size;
    return add({ TRY(put_(encode_list(items))), size }, level + 1);
}

Result<ContentLists::Root> ContentLists::finish() {
    for (std::size_t level = 0; level < levels_.size(); ++level) {
        const bool top = level + 1 == levels_.size();
        if (top && levels_[level].size() == 1 && levels_[level].front().patches.empty())
            return Root{ levels_[level].front().id, static_cast<std::uint8_t>(level) };
        if (!levels_[level].empty())
            TRY(close(level));
    }
    return Root{};
}

} // namespace respawn::vault
