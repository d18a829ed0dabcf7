#include "vault/image.h"

#include "vault/codec.h"
#include "vault/content_lists.h"
#include "vault/writer_state.h"

#include <algorithm>
#include <optional>
#include <unistd.h>

namespace respawn::vault {

namespace {

// A patch whose pages are in the blob that is still being gathered.
constexpr ChunkId gathering{};

// Two patches that follow each other in the chunk and in the blob are one.
void add_patch(std::vector<Patch>& to, const Patch& patch) {
    if (!to.empty()) {
        auto& last = to.back();
        if (last.blob == patch.blob && last.at + last.length == patch.at &&
            last.offset + last.length == patch.offset) {
            last.length += patch.length;
            return;
        }
    }
    to.push_back(patch);
}

// The part of a chunk's patches that covers one page, or nothing.
std::optional<Patch> patch_of_page(const std::vector<Patch>& patches, std::uint32_t at,
                                   std::uint32_t length) {
    for (const auto& patch : patches)
        if (patch.at <= at && at + length <= patch.at + patch.length)
            return Patch{ at, length, patch.offset + (at - patch.at), patch.blob };
    return {};
}

// Computes the digests of an image as it comes out of the vault.
class DigestSink final : public io::Sink {
  public:
    DigestSink(const Identifier& identify, std::uint32_t page, PageDigestsWriter& to)
        : hasher_(identify, page), page_(page), to_(to) {}
    Result<void> write(std::string_view bytes) override {
        held_ += bytes;
        const auto whole = held_.size() / page_ * page_;
        const auto digests = hasher_(std::string_view(held_).substr(0, whole));
        held_.erase(0, whole);
        return to_.add(digests);
    }
    Result<void> finish() { return to_.add(hasher_(held_)); }

  private:
    PageHasher hasher_;
    std::size_t page_;
    PageDigestsWriter& to_;
    std::string held_;
};

} // namespace

struct ImageWriter::State {
    State(Writer::State& to, std::uint32_t page, io::Path file, PageDigestsWriter fresh)
        : writer(to), page_size(page), block_size(std::max<std::size_t>(1, image_block / page) * page),
          digests_file(std::move(file)), digests(std::move(fresh)),
          lists([this](std::string_view blob) { return writer.put(BlobKind::list, blob); }) {}

    Writer::State& writer;
    const std::uint32_t page_size;
    const std::size_t block_size;
    const io::Path digests_file;
    PageDigestsWriter digests;
    ContentLists lists;

    std::vector<ListItem> before; // the blocks of the image before
    std::optional<PageDigests> known;

    std::string block;            // gathered so far
    std::uint64_t blocks = 0;     // before it
    std::string changed;          // pages that wait for a blob of their own
    std::vector<ListItem> closed; // blocks, the first of which has pages in `changed`
    std::uint64_t size = 0;

    Result<void> recall(const Content& content);
    Result<void> recall_whole(const Content& content);
    Result<void> add_blocks_of(const ListItem& node, int depth);
    Result<PageDigests> digests_of(const Content& content);
    Result<void> close_block();
    Result<void> add_block(std::string_view block, std::string_view digests);
    Result<void> close_changed();
    const ListItem* base_of_block(std::size_t bytes) const;
    std::optional<ListItem> patched(std::string_view whole, std::string_view fresh);
};

// What went before, as far as this image can lean on it: not at all where it is damaged. Then all is
// stored whole, which mends it.
Result<void> ImageWriter::State::recall(const Content& content) {
    if (content.size == 0 || !writer.has(content.root))
        return {};
    auto recalled = recall_whole(content);
    if (recalled.ok() ||
        (recalled.error().kind != Kind::corrupt && recalled.error().kind != Kind::missing))
        return recalled;
    before.clear();
    known.reset();
    return {};
}

Result<void> ImageWriter::State::recall_whole(const Content& content) {
    TRY(add_blocks_of({ content.root, content.size }, content.depth));
    const bool other = std::any_of(before.begin(), before.end(), [&](const ListItem& item) {
        return item.size != block_size && &item != &before.back();
    });
    if (other) { // of another page size
        before.clear();
        return {};
    }
    const auto key = cache_key(writer.vault.keyring);
    auto cached = PageDigests::open(digests_file, key, content, page_size);
    known = cached.ok() ? std::move(cached).value() : TRY(digests_of(content));
    return {};
}

Result<void> ImageWriter::State::add_blocks_of(const ListItem& node, int depth) {
    if (depth == 0) {
        before.push_back(node);
        return {};
    }
    const auto list = TRY(writer.vault.blob(node.id, BlobKind::list));
    for (const auto& item : TRY(decode_list(list)))
        TRY(add_blocks_of(item, depth - 1));
    return {};
}

Result<PageDigests> ImageWriter::State::digests_of(const Content& content) {
    const auto again = io::Path(digests_file.string() + ".again"); // mapped, and gone with this backup
    auto fresh = TRY(PageDigestsWriter::begin(again));
    DigestSink sink(writer.vault.identify, page_size, fresh);
    TRY(writer.vault.read(content, sink));
    TRY(sink.finish());
    const auto key = cache_key(writer.vault.keyring);
    TRY(fresh.finish(key, content, page_size));
    auto digests_again = PageDigests::open(again, key, content, page_size);
    ::unlink(again.c_str());
    return digests_again;
}

// The block as it was, if all that it consists of may be used again.
const ListItem* ImageWriter::State::base_of_block(std::size_t bytes) const {
    if (blocks >= before.size() || before[blocks].size != bytes)
        return nullptr;
    const auto& was = before[blocks];
    const bool whole =
        writer.has(was.id) && std::all_of(was.patches.begin(), was.patches.end(),
                                          [&](const Patch& patch) { return writer.has(patch.blob); });
    return whole ? &was : nullptr;
}

// The block as its base and what changed since; nothing when that is too much, or there is no base.
std::optional<ListItem> ImageWriter::State::patched(std::string_view whole, std::string_view fresh) {
    const auto* was = base_of_block(whole.size());
    const auto pages = fresh.size() / PageDigests::size;
    const auto old = known ? known->of(blocks * (block_size / page_size), pages) : std::string_view();
    if (!was || old.size() != fresh.size())
        return {};
    ListItem item{ was->id, was->size, {} };
    std::string fresh_pages;
    std::size_t changed_pages = 0;
    for (std::size_t page = 0; page < pages; ++page) {
        const auto at = static_cast<std::uint32_t>(page * page_size);
        const auto bytes = whole.substr(at, page_size);
        const auto length = static_cast<std::uint32_t>(bytes.size());
        const auto digest = page * PageDigests::size;
        auto patch = patch_of_page(was->patches, at, length);
        if (old.compare(digest, PageDigests::size, fresh, digest, PageDigests::size) != 0) {
            const auto offset = static_cast<std::uint32_t>(changed.size() + fresh_pages.size());
            patch = Patch{ at, length, offset, gathering };
            fresh_pages += bytes;
        }
        if (patch) {
            add_patch(item.patches, *patch);
            ++changed_pages;
        }
    }
    if (changed_pages > pages / rebase_divisor)
        return {};
    changed += fresh_pages;
    return item;
}

Result<void> ImageWriter::State::close_block() {
    if (block.empty())
        return {};
    const auto whole = std::exchange(block, {});
    return add_block(whole, PageHasher(writer.vault.identify, page_size)(whole));
}

Result<void> ImageWriter::State::add_block(std::string_view whole, std::string_view fresh) {
    TRY(digests.add(fresh));
    auto item = patched(whole, fresh);
    if (!item)
        item = ListItem{ TRY(writer.put(BlobKind::data, whole)), whole.size(), {} };
    size += whole.size();
    writer.count_read(whole.size());
    ++blocks;
    closed.push_back(std::move(*item));
    return changed.empty() || changed.size() >= image_block ? close_changed() : Result<void>();
}

// Stores the gathered pages; then the blocks that wait for them can be listed.
Result<void> ImageWriter::State::close_changed() {
    const auto blob = changed.empty() ? gathering : TRY(writer.put(BlobKind::data, changed));
    changed.clear();
    for (auto& item : closed) {
        for (auto& patch : item.patches)
            if (patch.blob == gathering)
                patch.blob = blob;
        TRY(lists.add(item));
    }
    closed.clear();
    return {};
}

ImageWriter::ImageWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
ImageWriter::ImageWriter(ImageWriter&&) noexcept = default;
ImageWriter::~ImageWriter() = default;

Result<ImageWriter> ImageWriter::begin(Writer& into, std::uint32_t page_size, const Content& before,
                                       const io::Path& digests) {
    auto fresh = TRY(PageDigestsWriter::begin(digests));
    auto state = std::make_unique<State>(into.state(), page_size, digests, std::move(fresh));
    TRY(state->recall(before));
    return ImageWriter(std::move(state));
}

Result<void> ImageWriter::add(std::string_view pages) {
    auto& state = *state_;
    while (!pages.empty()) {
        const auto part = pages.substr(0, state.block_size - state.block.size());
        state.block += part;
        pages.remove_prefix(part.size());
        if (state.block.size() == state.block_size)
            TRY(state.close_block());
    }
    return {};
}

Result<void> ImageWriter::add_block(std::string_view block, std::string_view digests) {
    return state_->add_block(block, digests);
}

Result<Content> ImageWriter::finish() {
    auto& state = *state_;
    TRY(state.close_block());
    TRY(state.close_changed());
    const auto root = TRY(state.lists.finish());
    const Content content{ state.size, root.depth, root.id };
    TRY(state.digests.finish(cache_key(state.writer.vault.keyring), content, state.page_size));
    return content;
}

} // namespace respawn::vault
