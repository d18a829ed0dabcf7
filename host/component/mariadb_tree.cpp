#include "component/mariadb_tree.h"

#include "base/text.h"
#include "component/of_backup.h"
#include "component/restore_record.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

namespace {

constexpr std::string_view hexadecimal = "0123456789abcdef";
constexpr std::uint64_t largest_definition = 64 << 20;

Result<const vault::TreeEntry*> entry_named(const vault::Tree& tree, std::string_view name,
                                            vault::EntryType type) {
    const auto found = std::ranges::find(tree, name, &vault::TreeEntry::name);
    if (found != tree.end() && found->type == type)
        return &*found;
    return Error{ .kind = Kind::corrupt,
                  .why = fmt::format("the backup of the database has no '{}'", printable(name)) };
}

Result<Value> read_value(vault::Vault& from, const vault::Tree& tree, std::string_view name) {
    const auto* entry = TRY(entry_named(tree, name, vault::EntryType::file));
    if (entry->content.size > largest_definition)
        return Error{ .kind = Kind::corrupt, .why = fmt::format("'{}' is too large", printable(name)) };
    return decode(TRY(from.read_range(entry->content, 0, entry->content.size)));
}

} // namespace

std::string folder_name(std::string_view table) {
    std::string name;
    for (const char c : table) {
        if (c != '/' && c != '%' && c != '\0' && !(c == '.' && name.empty())) {
            name += c;
            continue;
        }
        name += '%';
        name += hexadecimal[static_cast<unsigned char>(c) >> 4];
        name += hexadecimal[static_cast<unsigned char>(c) & 15];
    }
    return name;
}

std::string table_name(std::string_view folder) {
    std::string name;
    for (std::size_t i = 0; i < folder.size(); ++i) {
        const bool coded = folder[i] == '%' && i + 2 < folder.size();
        const auto high = coded ? hexadecimal.find(folder[i + 1]) : hexadecimal.npos;
        const auto low = coded ? hexadecimal.find(folder[i + 2]) : hexadecimal.npos;
        if (high == hexadecimal.npos || low == hexadecimal.npos) {
            name += folder[i];
            continue;
        }
        name += static_cast<char>(high << 4 | low);
        i += 2;
    }
    return name;
}

vault::TreeEntry file_entry(std::string_view name, const vault::Content& content) {
    vault::TreeEntry entry;
    entry.name = name;
    entry.mode = 0600;
    entry.size = content.size;
    entry.content = content;
    return entry;
}

vault::TreeEntry folder_entry(std::string_view name, const vault::ChunkId& tree) {
    vault::TreeEntry entry;
    entry.name = name;
    entry.type = vault::EntryType::folder;
    entry.mode = 0700;
    entry.tree = tree;
    return entry;
}

Result<vault::TreeEntry> store_value(vault::Writer& into, std::string_view name, const Value& value) {
    const auto bytes = encode(value);
    io::TextSource source(bytes);
    return file_entry(name, TRY(into.store(source)));
}

Result<MariadbTree> MariadbTree::open(vault::Vault& from, const vault::ComponentRecord& record) {
    TRY(must_have_data(record));
    MariadbTree opened(from);
    const auto root = TRY(of_backup(from.tree(record.tree)));
    opened.schema_ = TRY(ServerSchema::from(TRY(of_backup(read_value(from, root, schema_file)))));
    const auto* tables = TRY(entry_named(root, tables_folder, vault::EntryType::folder));
    opened.tables_ = TRY(of_backup(from.tree(tables->tree)));
    return opened;
}

std::vector<std::string> MariadbTree::tables() const {
    std::vector<std::string> names;
    for (const auto& entry : tables_)
        names.push_back(table_name(entry.name));
    return names;
}

Result<vault::Tree> MariadbTree::folder(std::string_view name) const {
    const auto folder = std::ranges::find(tables_, folder_name(name), &vault::TreeEntry::name);
    if (folder == tables_.end()) {
        const auto all = tables();
        const auto near = nearest(name, all);
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("the backup has no table {}", printable(name)),
                      .fix = near.empty() ? "it has: " + printable(join(all, ", "))
                                          : fmt::format("did you mean {}?", printable(near)) };
    }
    return of_backup(from_->tree(folder->tree));
}

Result<ServerTable> MariadbTree::definition(std::string_view name) const {
    return ServerTable::from(TRY(of_backup(read_value(*from_, TRY(folder(name)), definition_file))));
}

Result<StoredTable> MariadbTree::table(std::string_view name) const {
    const auto tree = TRY(folder(name));
    auto definition = TRY(ServerTable::from(TRY(of_backup(read_value(*from_, tree, definition_file)))));
    auto rows = TRY(of_backup(RowTree::open(*from_, tree)));
    return StoredTable{ std::move(definition), std::move(rows) };
}

} // namespace respawn::component
