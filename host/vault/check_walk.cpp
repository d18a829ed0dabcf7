// All that snapshots need: every tree, list and chunk.
#include "vault/check.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace respawn::vault {

namespace {

constexpr int deepest_folder = 1000; // the call stack must hold a walk; no file system goes so deep

// A stretch of a content.
struct Stretch {
    std::uint64_t begin = 0, size = 0;
};
// Pages of one file that one damaged object hurts, one behind the other.
struct Pages {
    std::size_t damage = 0;
    std::string path;
    std::uint64_t first = 0, last = 0;
};

class Walk {
  public:
    explicit Walk(Check& check) : check_(check) {}

    Result<void> snapshot(const Snapshot& snapshot) {
        for (const auto& component : snapshot.components) {
            if (component.tree == ChunkId{})
                continue;
            where_ = fmt::format("snapshot {} component {}: ", snapshot.id, printable(component.name));
            page_size_ = component.detail.map() ? component.detail.integer_at("page_size") : 0;
            TRY(tree(component.tree, "", 0));
            say_pages();
        }
        page_size_ = 0;
        where_ = fmt::format("snapshot {}: ", snapshot.id);
        (void)sound(check_.vault.identify(BlobKind::snapshot, encode_snapshot(snapshot)),
                    "its copy in a pack");
        return {};
    }

  private:
    // False when the blob is lost; then what lies at `path` is hurt, or this stretch of it.
    bool sound(const ChunkId& id, const std::string& path, Stretch stretch = {}) {
        auto& vault = check_.vault;
        const auto known = check_.lost.find(id);
        if (known == check_.lost.end() && !vault.index.find(id).empty())
            return true;
        const auto recovered = vault.recovered_places.find(id);
        if (known == check_.lost.end() && recovered != vault.recovered_places.end()) {
            check_.needed_unindexed.insert(recovered->second.pack);
            return true;
        }
        hurt(id, "no pack holds it", path, stretch);
        return false;
    }

    // Pages that follow each other are one line.
    void hurt_pages(std::size_t damage, const std::string& path, Stretch stretch) {
        const auto size = static_cast<std::uint64_t>(page_size_);
        const auto first = stretch.begin / size + 1,
                   last = (stretch.begin + stretch.size - 1) / size + 1;
        if (pages_ && pages_->damage == damage && pages_->path == path && first <= pages_->last + 1 &&
            first >= pages_->first) {
            pages_->last = std::max(pages_->last, last);
            return;
        }
        say_pages();
        pages_ = Pages{ damage, path, first, last };
    }

    void say_pages() {
        if (!pages_)
            return;
        const auto which = pages_->first == pages_->last
                               ? fmt::format("page {}", pages_->first)
                               : fmt::format("pages {} to {}", pages_->first, pages_->last);
        check_.hurts(pages_->damage, fmt::format("{}{} of {}", where_, which, pages_->path));
        pages_.reset();
    }

    void hurt(const ChunkId& id, const std::string& why, const std::string& path,
              Stretch stretch = {}) {
        const auto [known, added] = check_.lost.try_emplace(id, 0);
        if (added)
            known->second = check_.damage("blob " + to_hex(id), why);
        if (page_size_ > 0 && stretch.size > 0)
            hurt_pages(known->second, path, stretch);
        else
            check_.hurts(known->second, where_ + path);
        check_.needed_lost.insert(id);
        ++hurts_;
    }

    // Subtrees without fault are walked once, whichever snapshots share them.
    template <class Do> Result<void> once(const ChunkId& id, Do act) {
        if (clean_.contains(id))
            return {};
        const auto before = hurts_;
        TRY(act());
        if (hurts_ == before)
            clean_.insert(id);
        return {};
    }

    Result<void> tree(const ChunkId& id, const std::string& path, int depth) {
        const auto name = path.empty() ? "/" : path;
        if (!sound(id, name) || depth > deepest_folder)
            return {};
        return once(id, [&] { return entries(id, path, name, depth); });
    }

    Result<void> entries(const ChunkId& id, const std::string& path, const std::string& name,
                         int depth) {
        TRY(check_.cancel.check());
        const auto entries = check_.vault.tree(id);
        if (!entries.ok())
            return broken(id, entries.error(), name);
        TRY(large(id, name));
        for (const auto& entry : entries.value()) {
            const auto below = path + printable(entry.name);
            if (entry.type == EntryType::folder)
                TRY(tree(entry.tree, below + "/", depth + 1));
            else if (entry.type == EntryType::file && entry.content.size > 0)
                TRY(content(entry.content.root, entry.content.depth, below, { 0, entry.content.size }));
        }
        return {};
    }

    // The chunks of a large folder's own entries.
    Result<void> large(const ChunkId& id, const std::string& name) {
        const auto blob = TRY(check_.vault.blob(id, BlobKind::tree));
        const auto form = TRY(decode_tree_blob(blob));
        return form.inside ? Result<void>() : content(form.content.root, form.content.depth, name);
    }

    Result<void> content(const ChunkId& id, int depth, const std::string& path, Stretch stretch = {}) {
        if (!sound(id, path, stretch) || depth == 0)
            return {};
        return once(id, [&]() -> Result<void> {
            TRY(check_.cancel.check());
            const auto blob = check_.vault.blob(id, BlobKind::list);
            const auto items = blob.ok() ? decode_list(blob.value()) : blob.error();
            if (!items.ok())
                return broken(id, items.error(), path);
            auto begin = stretch.begin;
            for (const auto& item : items.value()) {
                TRY(content(item.id, depth - 1, path, { begin, item.size }));
                for (const auto& patch : item.patches)
                    (void)sound(patch.blob, path, { begin + patch.at, patch.length });
                begin += item.size;
            }
            return {};
        });
    }

    // Damage that only reading shows. Trouble in reaching the location is no damage.
    Result<void> broken(const ChunkId& id, const Error& error, const std::string& path) {
        if (error.kind != Kind::corrupt && error.kind != Kind::missing)
            return error;
        hurt(id, error.why, path);
        return {};
    }

    Check& check_;
    std::string where_;
    std::int64_t page_size_ = 0; // of the image of a database; else 0
    std::optional<Pages> pages_; // hurt, and not yet said
    std::uint64_t hurts_ = 0;
    std::unordered_set<ChunkId, IdHash> clean_;
};

} // namespace

Result<void> check_reachable(Check& check) {
    Walk walk(check);
    for (const auto& snapshot : check.snapshots)
        TRY(walk.snapshot(snapshot));
    return {};
}

} // namespace respawn::vault
