#include "vault/reach.h"

#include "vault/codec.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_waiting = 1 << 20; // ids: 16 MiB
constexpr int deepest_reached = 1000; // the call stack must hold a walk; no file system goes so deep

} // namespace

Reach::Reach(Vault::State& vault, const Cancellation& cancel)
    : vault_(vault), cancel_(cancel), index_(vault.index), bits_((index_.rows().size() + 63) / 64) {}

std::uint64_t Reach::bytes_since_then() {
    counted_.resize(bits_.size());
    std::uint64_t bytes = 0;
    for (std::size_t word = 0; word < bits_.size(); ++word)
        for (auto fresh = bits_[word] & ~counted_[word]; fresh != 0; fresh &= fresh - 1)
            bytes +=
                index_.rows()[64 * word + static_cast<std::size_t>(std::countr_zero(fresh))].length;
    counted_ = bits_;
    return bytes;
}

Result<bool> Reach::visit(const ChunkId& id) { return mark(id, index_.find(id)); }

// True when it was not marked before.
Result<bool> Reach::mark(const ChunkId& id, const IndexRows& rows) {
    if (rows.empty())
        return damaged(fmt::format("no index file names blob {}, which a backup needs", to_hex(id)));
    const auto first = rows.first();
    if (reached(first))
        return false;
    bits_[first / 64] |= std::uint64_t{ 1 } << (first % 64);
    return true;
}

Result<void> Reach::add(const Snapshot& snapshot) {
    missing_.reset();
    auto walked = walk(snapshot);
    settle(); // also what lies before a fault: it will not be walked again
    TRY(std::move(walked));
    if (missing_)
        return Result<void>(*missing_).while_doing("find what is needed", "snapshot " + snapshot.id);
    return {};
}

void Reach::leaf(const ChunkId& id) {
    waiting_.push_back(id);
    if (waiting_.size() == most_waiting)
        settle();
}

// In the order of the index, which is then read from beginning to end when the ids are many. A missing
// one does not end the walk: trees that others need as well are marked, and must be walked to their
// end.
void Reach::settle() {
    constexpr std::size_t rows_to_a_page = 512;
    const bool many = waiting_.size() > index_.rows().size() / rows_to_a_page;
    std::ranges::sort(waiting_);
    for (const auto& id : waiting_)
        if (auto marked = mark(id, many ? index_.rows().find(id) : index_.find(id)); !marked.ok())
            missing_ = std::move(marked).error();
    waiting_.clear();
}

Result<void> Reach::walk(const Snapshot& snapshot) {
    for (const auto& component : snapshot.components)
        if (component.tree != ChunkId{})
            TRY(tree(component.tree, 0).while_doing("find what is needed", "snapshot " + snapshot.id));
    const auto copy = vault_.identify(BlobKind::snapshot, encode_snapshot(snapshot));
    if (!index_.find(copy).empty())
        TRY(visit(copy));
    return {};
}

Result<void> Reach::tree(const ChunkId& id, int depth) {
    if (!TRY(visit(id)))
        return {};
    TRY(cancel_.check());
    if (depth > deepest_reached)
        return damaged("folders lie deeper in each other than can be");
    const auto blob = TRY(vault_.blob(id, BlobKind::tree));
    const auto form = TRY(decode_tree_blob(blob));
    if (!form.inside && form.content.size > 0)
        TRY(content(form.content.root, form.content.depth));
    for (const auto& entry : TRY(form.inside ? decode_entries_of(form.entries) : vault_.tree(id)))
        if (entry.type == EntryType::folder)
            TRY(tree(entry.tree, depth + 1));
        else if (entry.type == EntryType::file && entry.content.size > 0)
            TRY(content(entry.content.root, entry.content.depth));
    return {};
}

Result<void> Reach::content(const ChunkId& id, int depth) {
    if (depth == 0) {
        leaf(id);
        return {};
    }
    if (!TRY(visit(id)))
        return {};
    TRY(cancel_.check());
    if (depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    for (const auto& item : TRY(decode_list(TRY(vault_.blob(id, BlobKind::list))))) {
        TRY(content(item.id, depth - 1));
        for (const auto& patch : item.patches)
            leaf(patch.blob);
    }
    return {};
}

} // namespace respawn::vault
