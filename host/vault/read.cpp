// Reading blobs, trees and contents.
#include "vault/codec.h"
#include "vault/state.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_pack_keys = 65536;
constexpr std::size_t coalesced = 4 << 20; // at most this much of a pack is read at once
constexpr std::size_t largest_tree = 1 << 30;

Error in_pack(const PackId& pack, Error error) {
    error.why = fmt::format("{}: {}", pack_name(pack), error.why);
    return error;
}

} // namespace

Result<std::string> Vault::State::read_pack_range(const PackId& pack, std::uint64_t offset,
                                                  std::size_t length) {
    auto bytes = TRY(location->read(pack_name(pack), { offset, length }));
    if (bytes.size() != length)
        return damaged(fmt::format("{} is cut short", pack_name(pack)));
    return bytes;
}

Result<PackOpener> Vault::State::opener(const PackId& pack, std::uint64_t pack_size) {
    if (const auto known = pack_keys.find(pack); known != pack_keys.end())
        return PackOpener{ keyring.vault, pack, known->second };
    const auto first = TRY(location->read(pack_name(pack), { 0, trailer_read }));
    auto opened = open_header(keyring, pack, first);
    if (!opened.ok()) {
        const auto from = pack_size > trailer_read ? pack_size - trailer_read : 0;
        opened = open_trailer(keyring, pack,
                              TRY(location->read(pack_name(pack), { from, pack_size - from })));
    }
    if (!opened.ok())
        return in_pack(pack, opened.error());
    if (pack_keys.size() >= most_pack_keys)
        pack_keys.clear();
    pack_keys.emplace(pack, opened.value().key);
    return opened;
}

Result<std::string> Vault::State::blob_at(const Place& place, const ChunkId& id, BlobKind kind) {
    const auto frame = TRY(read_pack_range(place.pack, place.offset, place.length));
    const auto key = TRY(opener(place.pack, place.pack_size));
    auto opened = open_frame(key, identify, frame);
    if (!opened.ok())
        return in_pack(place.pack, opened.error());
    if (opened.value().id != id || opened.value().kind != kind)
        return in_pack(place.pack, damaged("another blob lies where the index says"));
    return std::move(opened.value().plain);
}

// Every copy is tried, then what the index does not know. The first reason is the one to tell.
Result<std::string> Vault::State::blob(const ChunkId& id, BlobKind kind) {
    Error reason{ .kind = Kind::missing,
                  .why = fmt::format("the vault has no blob {}", to_hex(id)),
                  .fix = "run `respawn check` to see what is lost" };
    bool tried = false;
    for (const bool searched : { false, true }) {
        if (searched) {
            const bool changed = TRY(follow_index());
            if (looked_for_unindexed && !changed)
                break;
            if (!looked_for_unindexed)
                TRY(recover_unindexed(TRY(location->list("packs/")), nullptr));
        }
        for (const auto& place : places(id)) {
            auto bytes = blob_at(place, id, kind);
            if (bytes.ok())
                return bytes;
            if (!std::exchange(tried, true))
                reason = bytes.error();
        }
    }
    if (tried && reason.kind == Kind::missing) // the index has it, so its pack is what is missing
        reason.kind = Kind::corrupt;
    return reason;
}

Result<std::shared_ptr<const std::string>> Vault::State::cached_blob(const ChunkId& id, BlobKind kind) {
    if (auto known = blobs.get(id))
        return known;
    return blobs.put(id, TRY(blob(id, kind)));
}

Result<Tree> Vault::State::tree(const ChunkId& id) {
    const auto bytes = TRY(blob(id, BlobKind::tree));
    const auto form = TRY(decode_tree_blob(bytes));
    if (form.inside)
        return decode_entries_of(form.entries);
    io::TextSink entries(largest_tree);
    TRY(read(form.content, entries));
    return decode_entries_of(entries.text());
}

namespace {

// Walks a content in order. Chunks that lie behind each other in a pack are read together.
class ContentReader {
  public:
    ContentReader(Vault::State& state, io::Sink& to) : state_(state), to_(to) {}

    Result<void> read(const ChunkId& id, std::uint64_t size, int depth) {
        if (depth == 0)
            return add({ id, size });
        const auto items = TRY(decode_list(*TRY(state_.cached_blob(id, BlobKind::list))));
        std::uint64_t rest = size;
        for (const auto& item : items) {
            if (item.size > rest)
                return damaged("a list of chunks does not add up");
            rest -= item.size;
            TRY(read(item.id, item.size, depth - 1));
        }
        return rest == 0 ? Result<void>() : damaged("a list of chunks does not add up");
    }

    Result<void> flush() {
        const auto group = std::exchange(group_, {});
        const auto items = std::exchange(items_, {});
        if (items.size() > 1 && TRY(write_group(group, items)))
            return {};
        for (const auto& item : items)
            TRY(write(item, TRY(state_.blob(item.id, BlobKind::data))));
        return {};
    }

  private:
    Result<void> add(const ListItem& item) {
        const auto places = state_.places(item.id);
        const auto next = places.empty() ? Place{} : places.front();
        const bool follows = !items_.empty() && next.pack == group_.pack && next.length > 0 &&
                             next.offset == group_.offset + group_.length &&
                             group_.length + next.length <= coalesced;
        if (!follows) {
            TRY(flush());
            group_ = next;
            lengths_.clear();
        } else {
            group_.length += next.length;
        }
        lengths_.push_back(next.length);
        items_.push_back(item);
        return {};
    }

    // False when not all of it can be read this way: then each chunk is sought by itself.
    Result<bool> write_group(const Place& group, const std::vector<ListItem>& items) {
        const auto bytes = state_.read_pack_range(group.pack, group.offset, group.length);
        const auto opener = state_.opener(group.pack, group.pack_size);
        if (!bytes.ok() || !opener.ok())
            return false;
        std::string_view rest = bytes.value();
        for (std::size_t i = 0; i < items.size(); ++i) {
            auto opened = open_frame(opener.value(), state_.identify, rest.substr(0, lengths_[i]));
            rest.remove_prefix(lengths_[i]);
            const bool right = opened.ok() && opened.value().id == items[i].id &&
                               opened.value().kind == BlobKind::data;
            TRY(write(items[i], right ? std::move(opened.value().plain)
                                      : TRY(state_.blob(items[i].id, BlobKind::data))));
        }
        return true;
    }

    Result<void> write(const ListItem& item, const std::string& plain) {
        if (plain.size() != item.size)
            return damaged(fmt::format("blob {} has another size than its list says", to_hex(item.id)));
        return to_.write(plain);
    }

    Vault::State& state_;
    io::Sink& to_;
    Place group_;
    std::vector<ListItem> items_;
    std::vector<std::uint32_t> lengths_;
};

} // namespace

Result<void> Vault::State::read(const Content& content, io::Sink& to) {
    if (content.size == 0)
        return {};
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    ContentReader reader(*this, to);
    TRY(reader.read(content.root, content.size, content.depth));
    return reader.flush();
}

namespace {

// Adds the part of a content below `id`, which begins at `begin`, that lies in [from, to).
Result<void> add_range(Vault::State& state, const ListItem& node, std::uint64_t begin, int depth,
                       std::uint64_t from, std::uint64_t to, std::string& out) {
    if (begin >= to || begin + node.size <= from)
        return {};
    if (depth == 0) {
        const auto plain = TRY(state.cached_blob(node.id, BlobKind::data));
        if (plain->size() != node.size)
            return damaged(fmt::format("blob {} has another size than its list says", to_hex(node.id)));
        const auto first = std::max(from, begin) - begin;
        out.append(*plain, first, std::min(to, begin + node.size) - begin - first);
        return {};
    }
    const auto end = begin + node.size;
    const auto list = TRY(state.cached_blob(node.id, BlobKind::list));
    for (const auto& item : TRY(decode_list(*list))) {
        if (item.size > end - begin)
            return damaged("a list of chunks does not add up");
        TRY(add_range(state, item, begin, depth - 1, from, to, out));
        begin += item.size;
    }
    return begin == end ? Result<void>() : damaged("a list of chunks does not add up");
}

} // namespace

Result<std::string> Vault::State::read_range(const Content& content, std::uint64_t offset,
                                             std::size_t size) {
    std::string out;
    if (offset >= content.size || size == 0)
        return out;
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    const auto to = offset + std::min<std::uint64_t>(size, content.size - offset);
    TRY(add_range(*this, { content.root, content.size }, 0, content.depth, offset, to, out));
    return out;
}

Result<std::string> Vault::blob(const ChunkId& id, BlobKind kind) { return state_->blob(id, kind); }
Result<Tree> Vault::tree(const ChunkId& id) { return state_->tree(id); }
Result<void> Vault::read(const Content& content, io::Sink& to) { return state_->read(content, to); }
Result<std::string> Vault::read_range(const Content& content, std::uint64_t offset, std::size_t size) {
    return state_->read_range(content, offset, size);
}

} // namespace respawn::vault
