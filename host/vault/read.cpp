// Reading blobs, trees and contents.
#include "vault/codec.h"
#include "vault/state.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_pack_keys = 65536;
constexpr std::size_t coalesced = 1 << 20; // at most this much of a pack is read at once
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
    {
        const std::scoped_lock lock(shared, keys_lock);
        if (const auto known = pack_keys.find(pack); known != pack_keys.end())
            return PackOpener{ keyring.vault, pack, known->second };
    }
    const auto first = TRY(location->read(pack_name(pack), { 0, trailer_read }));
    const auto ring = TRY(keyring_for_pack(first));
    auto opened = open_header(ring, pack, first);
    if (!opened.ok()) {
        const auto from = pack_size > trailer_read ? pack_size - trailer_read : 0;
        opened =
            open_trailer(ring, pack, TRY(location->read(pack_name(pack), { from, pack_size - from })));
    }
    if (!opened.ok())
        return in_pack(pack, opened.error());
    const std::scoped_lock lock(shared);
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

Result<bool> Vault::State::search_unindexed() {
    const std::scoped_lock lock(shared);
    const bool changed = TRY(follow_index());
    if (looked_for_unindexed)
        return changed;
    TRY(recover_unindexed(TRY(location->list("packs/")), nullptr));
    return true;
}

namespace {

Error not_known(const ChunkId& id) {
    return Error{ .kind = Kind::missing,
                  .why = fmt::format("the vault has no blob {}", to_hex(id)),
                  .fix = "run `respawn check` to see what is lost" };
}

} // namespace

// Every copy is tried. The first reason is the one to tell.
Result<std::string> Vault::State::indexed_blob(const ChunkId& id, BlobKind kind) {
    auto reason = not_known(id);
    bool tried = false;
    for (const auto& place : places(id)) {
        auto bytes = blob_at(place, id, kind);
        if (bytes.ok())
            return bytes;
        if (bytes.error().kind == Kind::corrupt)
            meet_damage(place, id);
        if (!std::exchange(tried, true))
            reason = bytes.error();
    }
    if (tried && reason.kind == Kind::missing) // the index has it, so its pack is what is missing
        reason.kind = Kind::corrupt;
    return reason;
}

Result<std::string> Vault::State::own_blob(const ChunkId& id, BlobKind kind) {
    auto known = indexed_blob(id, kind);
    if (known.ok() || !TRY(search_unindexed()))
        return known;
    auto found = indexed_blob(id, kind);
    return found.ok() || known.error().kind == Kind::missing ? std::move(found) : std::move(known);
}

// Looking for what the index does not know takes a look at the whole location: siblings come first.
Result<std::string> Vault::State::blob(const ChunkId& id, BlobKind kind) {
    if (siblings.empty() || alone > 0)
        return own_blob(id, kind);
    auto known = indexed_blob(id, kind);
    if (!known.ok())
        known = blob_elsewhere(id, kind, known.error());
    return known.ok() ? std::move(known) : own_blob(id, kind);
}

Result<std::shared_ptr<const std::string>> Vault::State::cached_blob(const ChunkId& id, BlobKind kind) {
    {
        const std::scoped_lock lock(shared);
        if (auto known = blobs.get(id))
            return known;
    }
    auto bytes = TRY(blob(id, kind));
    const std::scoped_lock lock(shared);
    const auto size = bytes.size();
    return blobs.put(id, std::move(bytes), size);
}

Result<std::shared_ptr<const ContentList>> Vault::State::cached_list(const ChunkId& id) {
    {
        const std::scoped_lock lock(shared);
        if (auto known = lists.get(id))
            return known;
    }
    ContentList list{ .items = TRY(decode_list(TRY(blob(id, BlobKind::list)))),
                      .begins = {},
                      .size = 0 };
    std::size_t bytes = list.items.size() * (sizeof(ListItem) + sizeof(std::uint64_t));
    for (const auto& item : list.items) {
        list.begins.push_back(list.size);
        if (item.size > UINT64_MAX - list.size)
            return damaged("a list of chunks does not add up");
        list.size += item.size;
        bytes += item.patches.size() * sizeof(Patch);
    }
    const std::scoped_lock lock(shared);
    return lists.put(id, std::move(list), bytes);
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

// Lays the patches that touch [begin, begin + bytes.size()) of a chunk over these bytes.
Result<void> lay_patches(Vault::State& state, const ListItem& chunk, std::uint64_t begin,
                         std::string& bytes) {
    for (const auto& patch : chunk.patches) {
        const auto from = std::max<std::uint64_t>(patch.at, begin);
        const auto to = std::min<std::uint64_t>(patch.at + patch.length, begin + bytes.size());
        if (from >= to)
            continue;
        const auto blob = TRY(state.cached_blob(patch.blob, BlobKind::data));
        const auto offset = patch.offset + (from - patch.at);
        if (offset > blob->size() || to - from > blob->size() - offset)
            return damaged(fmt::format("blob {} is shorter than a patch says", to_hex(patch.blob)));
        bytes.replace(from - begin, to - from, *blob, offset, to - from);
    }
    return {};
}

// Chunks that lie behind each other in a pack: read at once, by whichever thread comes to it first.
struct Group {
    struct Part {
        ListItem item;
        std::uint64_t at = 0;             // in the content
        std::uint32_t length = 0;         // in the pack
        std::optional<std::string> plain; // without it, the chunk is sought by itself
    };
    Place place;
    std::vector<Part> parts;
    const Vault::AtHand* at_hand = nullptr;
    std::once_flag once;

    void read(Vault::State& state) {
        std::call_once(once, [&] {
            std::size_t taken = 0;
            for (auto& part : parts)
                taken += *at_hand && take_at_hand(state, part);
            if (taken < parts.size())
                read_pack(state);
        });
    }

    // Afterwards nothing is read any more, and nobody reads.
    void give_up() {
        std::call_once(once, [] {});
    }

  private:
    bool take_at_hand(Vault::State& state, Part& part) const {
        if (!part.item.patches.empty() || part.item.size > max_blob)
            return false;
        auto bytes = (*at_hand)(part.at, part.item.size);
        if (!bytes.ok() || bytes.value().size() != part.item.size ||
            state.identify(BlobKind::data, bytes.value()) != part.item.id)
            return false;
        part.plain = std::move(bytes).value();
        return true;
    }

    void read_pack(Vault::State& state) {
        const auto bytes = state.read_pack_range(place.pack, place.offset, place.length);
        const auto opener = state.opener(place.pack, place.pack_size);
        std::string_view rest = bytes.ok() && opener.ok() ? bytes.value() : std::string_view();
        for (auto& part : parts) {
            const auto frame = rest.substr(0, part.length);
            rest.remove_prefix(frame.size());
            if (part.plain || frame.empty())
                continue;
            auto opened = open_frame(opener.value(), state.identify, frame);
            if (opened.ok() && opened.value().id == part.item.id &&
                opened.value().kind == BlobKind::data)
                part.plain = std::move(opened.value().plain);
        }
    }
};

// Walks a content in order, and reads ahead on other threads.
class ContentReader {
  public:
    ContentReader(Vault::State& state, io::Sink& to, const Vault::AtHand& at_hand)
        : state_(state), to_(to), at_hand_(at_hand) {}
    // What `at_hand` reads from may go now.
    ~ContentReader() {
        for (const auto& group : ahead_)
            group->give_up();
    }
    ContentReader(const ContentReader&) = delete;
    ContentReader& operator=(const ContentReader&) = delete;

    // Only the chunks that hold something of [from, to).
    void only(std::uint64_t from, std::uint64_t to) { from_ = from, end_ = to; }
    std::uint64_t first() const { return first_.value_or(0); } // where what was written begins

    Result<void> read(const ChunkId& id, std::uint64_t size, int depth) {
        TRY(walk({ id, size }, depth));
        TRY(close_group());
        while (!ahead_.empty())
            TRY(write_front());
        return {};
    }

  private:
    Result<void> walk(const ListItem& node, int depth) {
        if (offset_ >= end_ || offset_ + node.size <= from_) {
            offset_ += node.size;
            return {};
        }
        if (depth == 0)
            return add(node);
        const auto list = TRY(state_.cached_list(node.id));
        if (list->size != node.size)
            return damaged("a list of chunks does not add up");
        for (const auto& item : list->items) {
            if (depth > 1 && !item.patches.empty())
                return damaged("a list of chunks does not add up");
            TRY(walk(item, depth - 1));
        }
        return {};
    }

    Result<void> add(const ListItem& item) {
        const auto offset = std::exchange(offset_, offset_ + item.size);
        first_ = first_.value_or(offset);
        const auto places = state_.places(item.id);
        const auto next = places.empty() ? Place{} : places.front();
        const bool follows = group_ && next.pack == group_->place.pack && next.length > 0 &&
                             next.offset == group_->place.offset + group_->place.length &&
                             group_->place.length + next.length <= coalesced;
        if (!follows) {
            TRY(close_group());
            group_ = std::make_shared<Group>();
            group_->place = next;
            group_->at_hand = &at_hand_;
        } else {
            group_->place.length += next.length;
        }
        group_->parts.push_back({ item, offset, next.length, {} });
        return {};
    }

    // A content of one group is read right here.
    Result<void> close_group() {
        if (!group_)
            return {};
        ahead_.push_back(std::exchange(group_, nullptr));
        if (ahead_.size() > 1)
            state_.readers.begin([state = &state_, group = ahead_.back()] { group->read(*state); });
        return keep_few();
    }

    Result<void> keep_few() {
        return ahead_.size() > state_.readers.size() + 1 ? write_front() : Result<void>();
    }

    Result<void> write_front() {
        const auto group = ahead_.front();
        ahead_.pop_front();
        group->read(state_);
        for (auto& [item, at, length, known] : group->parts) {
            auto plain = known ? std::move(*known) : TRY(state_.blob(item.id, BlobKind::data));
            if (plain.size() != item.size)
                return damaged(
                    fmt::format("blob {} has another size than its list says", to_hex(item.id)));
            TRY(lay_patches(state_, item, 0, plain));
            TRY(to_.write(plain));
        }
        return {};
    }

    Vault::State& state_;
    io::Sink& to_;
    const Vault::AtHand& at_hand_;
    std::uint64_t offset_ = 0; // of the next chunk
    std::uint64_t from_ = 0, end_ = UINT64_MAX;
    std::optional<std::uint64_t> first_;
    std::shared_ptr<Group> group_;
    std::deque<std::shared_ptr<Group>> ahead_;
};

} // namespace

Result<void> Vault::State::read(const Content& content, io::Sink& to, const Vault::AtHand& at_hand) {
    if (content.size == 0)
        return {};
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    return ContentReader(*this, to, at_hand).read(content.root, content.size, content.depth);
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
        auto part = plain->substr(first, std::min(to, begin + node.size) - begin - first);
        TRY(lay_patches(state, node, first, part));
        out += part;
        return {};
    }
    const auto list = TRY(state.cached_list(node.id));
    if (list->size != node.size)
        return damaged("a list of chunks does not add up");
    const auto first = std::ranges::upper_bound(list->begins, std::max(from, begin) - begin);
    for (auto at = first - list->begins.begin() - 1;
         at < std::ssize(list->items) && begin + list->begins[at] < to; ++at)
        TRY(add_range(state, list->items[at], begin + list->begins[at], depth - 1, from, to, out));
    return {};
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

Result<std::string> Vault::State::read_stretch(const Content& content, std::uint64_t offset,
                                               std::size_t size) {
    if (offset >= content.size || size == 0)
        return std::string();
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    const auto wanted = std::min<std::uint64_t>(size, content.size - offset);
    io::TextSink chunks(wanted + 2 * max_blob); // what its first and last chunk have besides
    const Vault::AtHand nothing;
    ContentReader reader(*this, chunks, nothing);
    reader.only(offset, offset + wanted);
    TRY(reader.read(content.root, content.size, content.depth));
    auto bytes = chunks.take();
    const auto before = offset - reader.first();
    if (bytes.size() < before + wanted)
        return damaged("a list of chunks does not add up");
    bytes.resize(before + wanted);
    bytes.erase(0, before);
    return bytes;
}

Result<ChunkAt> Vault::State::chunk_at(const Content& content, std::uint64_t offset) {
    if (offset >= content.size || content.depth > max_depth_of_lists)
        return damaged("a content is shorter than what is sought in it");
    ChunkAt at{ .id = content.root, .size = content.size };
    for (int depth = content.depth; depth > 0; --depth) {
        const auto list = TRY(cached_list(at.id));
        if (offset - at.begin >= list->size)
            return damaged("a list of chunks does not add up");
        const auto next = std::ranges::upper_bound(list->begins, offset - at.begin);
        const auto number = static_cast<std::size_t>(next - list->begins.begin()) - 1;
        const auto& item = list->items[number];
        at = { item.id, at.begin + list->begins[number], item.size, item.patches.empty() };
    }
    return at;
}

Result<std::string> Vault::blob(const ChunkId& id, BlobKind kind) { return state_->blob(id, kind); }
Result<Tree> Vault::tree(const ChunkId& id) { return state_->tree(id); }
Result<void> Vault::read(const Content& content, io::Sink& to) { return state_->read(content, to); }
Result<void> Vault::read(const Content& content, io::Sink& to, const AtHand& at_hand) {
    return state_->read(content, to, at_hand);
}
Result<std::string> Vault::read_range(const Content& content, std::uint64_t offset, std::size_t size) {
    return state_->read_range(content, offset, size);
}

Result<std::string> Vault::read_stretch(const Content& content, std::uint64_t offset,
                                        std::size_t size) {
    return state_->read_stretch(content, offset, size);
}
Result<ChunkAt> Vault::chunk_at(const Content& content, std::uint64_t offset) {
    return state_->chunk_at(content, offset);
}

} // namespace respawn::vault
