#include "component/row_head.h"

#include "base/bytes.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace respawn::component {

namespace {

constexpr int form = 1;
constexpr std::string_view head_name = "head", index_suffix = ".index";
constexpr std::size_t largest_head = 16 << 20, most_values = 100'000;
constexpr std::size_t most_parts = 1000, most_unique = 1000;

Error damaged_head() {
    return Error{ .kind = Kind::corrupt,
                  .why = "the head of a table's rows is damaged",
                  .fix = "run `respawn check --read-data` to see everything that is hurt" };
}

std::string rows_name(std::uint32_t number) {
    return number == 0 ? "rows" : fmt::format("changed-{}", number);
}
std::string unique_name(std::uint32_t number, std::size_t key) {
    return number == 0 ? fmt::format("unique-{}", key + 1)
                       : fmt::format("changed-{}.unique-{}", number, key + 1);
}

using TakeFile = std::function<void(const std::string& name, const StoredRowFile& file)>;
void each_file(const RowHead& head, const TakeFile& take) {
    for (const auto& part : head.parts) {
        take(rows_name(part.number), part.rows);
        for (std::size_t key = 0; key < part.unique.size(); ++key)
            take(unique_name(part.number, key), part.unique[key]);
    }
}

const vault::TreeEntry* find(const vault::Tree& folder, std::string_view name) {
    const auto found = std::ranges::find(folder, name, &vault::TreeEntry::name);
    return found == folder.end() || found->type != vault::EntryType::file ? nullptr : &*found;
}

vault::Content content_of(const vault::Tree& folder, const std::string& name) {
    const auto* entry = find(folder, name);
    return entry ? entry->content : vault::Content{};
}

Result<StoredRowFile> file_from(const vault::Tree& folder, const std::string& name,
                                const Value& value) {
    StoredRowFile file{ .rows = content_of(folder, name),
                        .index = content_of(folder, name + std::string(index_suffix)),
                        .shape = {} };
    file.shape = TRY(RowFileShape::from(value));
    if (file.shape.root.empty() != (file.rows.size == 0))
        return damaged_head();
    return file;
}

Result<RowPart> part_from(const vault::Tree& folder, const Value& value, std::size_t unique_keys) {
    const auto number = value.integer_at("number", -1);
    const auto* unique = value.at("unique").list();
    if (number < 0 || number > UINT32_MAX || !unique || unique->size() != unique_keys)
        return damaged_head();
    RowPart part{ .number = static_cast<std::uint32_t>(number), .rows = {}, .unique = {} };
    part.rows = TRY(file_from(folder, rows_name(part.number), value.at("rows")));
    for (std::size_t key = 0; key < unique_keys; ++key)
        part.unique.push_back(TRY(file_from(folder, unique_name(part.number, key), (*unique)[key])));
    return part;
}

Value to_value(const RowPart& part) {
    Value::List unique;
    for (const auto& file : part.unique)
        unique.push_back(file.shape.value());
    return Value::Map{ { "number", static_cast<std::int64_t>(part.number) },
                       { "rows", part.rows.shape.value() },
                       { "unique", std::move(unique) } };
}

Result<RowHead> head_from(const vault::Tree& folder, const Value& value) {
    const auto* keyed = value.at("keyed").boolean();
    const auto* parts = value.at("parts").list();
    const auto unique_keys = value.integer_at("unique_keys", -1);
    if (!keyed || !parts || parts->empty() || parts->size() > most_parts || unique_keys < 0 ||
        unique_keys > std::int64_t{ most_unique })
        return damaged_head();
    RowHead head{ .keyed = *keyed,
                  .schema = value.text_at("schema"),
                  .unique_keys = static_cast<std::size_t>(unique_keys),
                  .sum = {},
                  .parts = {} };
    head.sum = TRY(RowSum::from(value.at("sum")));
    for (const auto& part : *parts) {
        head.parts.push_back(TRY(part_from(folder, part, head.unique_keys)));
        if ((head.parts.size() == 1) != (head.parts.back().number == 0) ||
            (head.parts.size() > 1 && head.parts.back().number <= head.parts.end()[-2].number))
            return damaged_head();
    }
    return head.keyed || head.parts.size() == 1 ? Result<RowHead>(head) : damaged_head();
}

Value to_value(const RowHead& head) {
    Value::List parts;
    for (const auto& part : head.parts)
        parts.push_back(to_value(part));
    return Value::Map{ { "form", form },
                       { "keyed", head.keyed },
                       { "schema", head.schema },
                       { "sum", head.sum.value() },
                       { "unique_keys", static_cast<std::int64_t>(head.unique_keys) },
                       { "parts", std::move(parts) } };
}

vault::TreeEntry entry_of(std::string name, const vault::Content& content) {
    vault::TreeEntry entry;
    entry.name = std::move(name);
    entry.mode = 0600;
    entry.size = content.size;
    entry.content = content;
    return entry;
}

} // namespace

std::uint64_t RowHead::run_bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& part : parts)
        bytes += part.number == 0 ? 0 : part.rows.rows.size;
    return bytes;
}

Result<RowHead> read_head(vault::Vault& from, const vault::Tree& folder) {
    const auto* entry = find(folder, head_name);
    if (!entry)
        return Error{ .kind = Kind::missing, .why = "the folder of a table has no rows" };
    if (entry->content.size > largest_head)
        return damaged_head();
    const auto bytes = TRY(from.read_range(entry->content, 0, entry->content.size));
    const auto value = TRY(decode(bytes, most_values));
    const auto found = value.integer_at("form");
    if (found > form)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("a table's rows have form {}, this version knows {}", found,
                                         form),
                      .fix = "use the version of respawn that wrote it, or a newer one" };
    return found == form ? head_from(folder, value) : damaged_head();
}

Result<std::vector<vault::TreeEntry>> store_head(vault::Writer& into, const RowHead& head) {
    std::vector<vault::TreeEntry> entries;
    const auto add = [&](std::string name, const vault::Content& content) {
        if (content.size > 0)
            entries.push_back(entry_of(std::move(name), content));
    };
    each_file(head, [&](const std::string& name, const StoredRowFile& file) {
        add(name, file.rows);
        add(name + std::string(index_suffix), file.index);
    });
    TRY(head_from(entries, to_value(head))); // what cannot be read again is no backup
    const auto bytes = encode(to_value(head));
    io::TextSource source(bytes);
    add(std::string(head_name), TRY(into.store(source)));
    std::ranges::sort(entries, {}, &vault::TreeEntry::name);
    return entries;
}

std::vector<vault::TreeEntry> entries_of(const RowHead& head, const vault::Tree& folder) {
    std::vector<vault::TreeEntry> entries;
    const auto add = [&](const std::string& name) {
        if (const auto* entry = find(folder, name))
            entries.push_back(*entry);
    };
    each_file(head, [&](const std::string& name, const StoredRowFile&) {
        add(name);
        add(name + std::string(index_suffix));
    });
    add(std::string(head_name));
    std::ranges::sort(entries, {}, &vault::TreeEntry::name);
    return entries;
}

std::string fingerprint(const std::vector<vault::TreeEntry>& entries) {
    ByteWriter writer;
    for (const auto& entry : entries) {
        writer.text(entry.name).u64(entry.content.size).u8(entry.content.depth);
        const auto& root = entry.content.root.bytes;
        writer.raw({ reinterpret_cast<const char*>(root.data()), root.size() });
    }
    return crypto::sha256(writer.bytes());
}

std::string value_digest(const RowHasher& hasher, std::string_view value) {
    const auto hash = hasher.of_key(value);
    std::string digest;
    for (std::size_t i = 0; i < value_digest_size; ++i)
        digest += static_cast<char>(hash >> (8 * i));
    return digest;
}

} // namespace respawn::component
