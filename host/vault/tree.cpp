#include "vault/codec.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::uint8_t small_tree = 0, large_tree = 1;
constexpr std::size_t least_entry = 70; // no entry is shorter, so a count can be doubted early

void encode_content(const Content& content, ByteWriter& to) {
    to.u64(content.size).u8(content.depth).raw(view(content.root));
}

Result<Content> decode_content(ByteReader& reader) {
    Content content;
    content.size = TRY(reader.u64());
    content.depth = TRY(reader.u8());
    content.root = id_from<ChunkId>(TRY(reader.raw(16)));
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    return content;
}

void encode_entry(const TreeEntry& entry, ByteWriter& to) {
    to.text(entry.name).u8(static_cast<std::uint8_t>(entry.type)).u32(entry.mode);
    to.u32(entry.user).u32(entry.group).text(entry.user_name).text(entry.group_name);
    to.i64(entry.modified_ns).u64(entry.device).u64(entry.hard_link).text(entry.target);
    to.u32(static_cast<std::uint32_t>(entry.attributes.size()));
    for (const auto& [name, bytes] : entry.attributes)
        to.text(name).text(bytes);
    to.u32(static_cast<std::uint32_t>(entry.extents.size()));
    for (const auto& [offset, length] : entry.extents)
        to.u64(offset).u64(length);
    to.u64(entry.size);
    encode_content(entry.content, to);
    to.raw(view(entry.tree));
}

Result<void> decode_lists(ByteReader& reader, TreeEntry& entry) {
    for (auto count = TRY(reader.u32()); count > 0; --count) {
        const auto name = TRY(reader.text());
        entry.attributes.emplace_back(name, TRY(reader.text()));
    }
    for (auto count = TRY(reader.u32()); count > 0; --count) {
        const auto offset = TRY(reader.u64());
        entry.extents.emplace_back(offset, TRY(reader.u64()));
    }
    return {};
}

Result<TreeEntry> decode_entry(ByteReader& reader) {
    TreeEntry entry;
    entry.name = TRY(reader.text());
    const auto type = TRY(reader.u8());
    if (type < 1 || type > 7)
        return damaged(fmt::format("a folder's entry has the unknown type {}", type));
    entry.type = static_cast<EntryType>(type);
    entry.mode = TRY(reader.u32());
    entry.user = TRY(reader.u32());
    entry.group = TRY(reader.u32());
    entry.user_name = TRY(reader.text());
    entry.group_name = TRY(reader.text());
    entry.modified_ns = TRY(reader.i64());
    entry.device = TRY(reader.u64());
    entry.hard_link = TRY(reader.u64());
    entry.target = TRY(reader.text());
    TRY(decode_lists(reader, entry));
    entry.size = TRY(reader.u64());
    entry.content = TRY(decode_content(reader));
    entry.tree = id_from<ChunkId>(TRY(reader.raw(16)));
    return entry;
}

bool leads_outside(std::string_view name) {
    return name.empty() || name == "." || name == ".." ||
           name.find_first_of(std::string_view("/\0", 2)) != std::string_view::npos;
}

} // namespace

Result<void> must_be_tree(const Tree& tree) {
    const TreeEntry* before = nullptr;
    for (const auto& entry : tree) {
        if (leads_outside(entry.name))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("\"{}\" cannot be a name in a folder",
                                             printable(entry.name)) };
        if (before && before->name >= entry.name)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("the folder's names are not in order at \"{}\"",
                                             printable(entry.name)) };
        before = &entry;
    }
    return {};
}

std::string encode_entries_of(const Tree& tree) {
    ByteWriter writer;
    writer.u32(static_cast<std::uint32_t>(tree.size()));
    for (const auto& entry : tree)
        encode_entry(entry, writer);
    return writer.take();
}

Result<Tree> decode_entries_of(std::string_view bytes) {
    ByteReader reader(bytes);
    const auto count = TRY(reader.u32());
    if (count > reader.left() / least_entry)
        return damaged("a folder claims more entries than it has bytes for");
    Tree tree;
    tree.reserve(count);
    while (tree.size() < count)
        tree.push_back(TRY(decode_entry(reader)));
    TRY(reader.must_be_at_end());
    if (const auto right = must_be_tree(tree); !right.ok())
        return damaged(right.error().why);
    return tree;
}

std::string encode_small_tree(std::string_view entries) {
    return ByteWriter().u8(small_tree).raw(entries).take();
}

std::string encode_large_tree(const Content& entries) {
    ByteWriter writer;
    writer.u8(large_tree);
    encode_content(entries, writer);
    return writer.take();
}

Result<TreeBlob> decode_tree_blob(std::string_view blob) {
    ByteReader reader(blob);
    const auto form = TRY(reader.u8());
    TreeBlob tree{ .inside = form == small_tree, .entries = {}, .content = {} };
    if (form == small_tree) {
        tree.entries = TRY(reader.raw(reader.left()));
        return tree;
    }
    if (form != large_tree)
        return damaged("a folder has a form that this version does not know");
    tree.content = TRY(decode_content(reader));
    TRY(reader.must_be_at_end());
    return tree;
}

std::string encode_list(const std::vector<ListItem>& items) {
    ByteWriter writer;
    writer.u32(static_cast<std::uint32_t>(items.size()));
    for (const auto& item : items) {
        writer.raw(view(item.id)).u64(item.size).u32(static_cast<std::uint32_t>(item.patches.size()));
        for (const auto& patch : item.patches)
            writer.u32(patch.at).u32(patch.length).u32(patch.offset).raw(view(patch.blob));
    }
    return writer.take();
}

namespace {

constexpr std::size_t item_size = 28, patch_size = 28;

Result<std::vector<Patch>> decode_patches(ByteReader& reader, std::uint64_t size) {
    const auto count = TRY(reader.u32());
    if (count > reader.left() / patch_size)
        return damaged("a list of chunks is cut short");
    std::vector<Patch> patches(count);
    std::uint64_t end = 0;
    for (auto& patch : patches) {
        patch.at = TRY(reader.u32());
        patch.length = TRY(reader.u32());
        patch.offset = TRY(reader.u32());
        patch.blob = id_from<ChunkId>(TRY(reader.raw(16)));
        if (patch.at < end || patch.length == 0 || std::uint64_t{ patch.at } + patch.length > size)
            return damaged("a list of chunks has a patch that lies over another or outside");
        end = std::uint64_t{ patch.at } + patch.length;
    }
    return patches;
}

} // namespace

Result<std::vector<ListItem>> decode_list(std::string_view blob) {
    ByteReader reader(blob);
    const auto count = TRY(reader.u32());
    if (count == 0 || count > reader.left() / item_size)
        return damaged("a list of chunks has a wrong length");
    std::vector<ListItem> items(count);
    for (auto& item : items) {
        item.id = id_from<ChunkId>(TRY(reader.raw(16)));
        item.size = TRY(reader.u64());
        if (item.size == 0)
            return damaged("a list of chunks names one of no size");
        item.patches = TRY(decode_patches(reader, item.size));
    }
    TRY(reader.must_be_at_end());
    return items;
}

} // namespace respawn::vault
