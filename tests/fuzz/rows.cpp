// A table's folder as whoever has a key could have written it: its head, its blocks, its index. It is
// opened, read, searched, compared and backed up upon; only errors may come of it.
#include "base/bytes.h"
#include "component/row_tree.h"
#include "location/locations.h"

#include <map>

using namespace respawn;
using component::RowTree;

namespace {

constexpr std::size_t most_rows = 5'000;

// What the names in the input stand for, one after the other as texts.
Result<std::map<std::string, std::string>> files_of(std::string_view input) {
    ByteReader reader(input);
    std::map<std::string, std::string> files;
    while (!reader.at_end()) {
        const auto name = std::string(TRY(reader.text()));
        files[name] = TRY(reader.text());
    }
    return files;
}

Result<vault::Tree> stored(vault::Vault& vault, const std::map<std::string, std::string>& files) {
    auto writer = TRY(vault.begin_backup());
    vault::Tree folder;
    for (const auto& [name, bytes] : files) {
        if (name.empty() || name.find('/') != std::string::npos)
            continue;
        io::TextSource source(bytes);
        folder.push_back({ .name = name, .size = bytes.size(), .content = TRY(writer.store(source)) });
    }
    const auto tree = TRY(writer.store_tree(folder));
    TRY(writer.finish({ .game = "fuzz",
                        .started = now(),
                        .components = { { .name = "t", .kind = "rows", .tree = tree } } }));
    return folder;
}

Result<std::size_t> read_all(const RowTree& tree) {
    auto rows = TRY(tree.rows_from());
    std::size_t count = 0, bytes = 0;
    while (count < most_rows && TRY(rows.next())) {
        ++count;
        bytes += rows.key().size() + rows.row().size();
        (void)component::cells_of(rows.row(), 3);
    }
    return bytes;
}

Result<void> look_at(vault::Vault& vault, const vault::Tree& folder, const io::Path& state) {
    const auto tree = TRY(RowTree::open(vault, folder));
    (void)read_all(tree);
    for (const std::string_view key : { "", "\x15\x01", "k", "\xff" }) {
        (void)tree.find(key);
        (void)tree.keys_with(0, key);
        if (auto rows = tree.rows_from(key, RowTree::From::behind); rows.ok())
            (void)rows.value().next();
    }
    (void)tree.parting_keys(3);
    std::size_t left = most_rows;
    (void)RowTree::compare(tree, tree, [&](auto, auto, auto) -> Result<void> {
        return left-- > 0 ? Result<void>() : Error{ .why = "enough" };
    });
    auto into = TRY(vault.begin_backup());
    auto writer = TRY(component::RowTreeWriter::begin(into, vault,
                                                      { .schema = tree.schema(),
                                                        .unique_keys = tree.unique_keys(),
                                                        .before = &folder,
                                                        .state = state }));
    const std::vector<component::Cell> cells(tree.unique_keys());
    TRY(writer.add("k", "row", cells));
    TRY(writer.finish());
    return {};
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto files = files_of({ reinterpret_cast<const char*>(data), size });
    if (!files.ok())
        return 0;
    const auto folder = io::TemporaryFolder::make().value();
    static std::size_t inputs = 0;
    const auto location = location::open_location("memory:" + std::to_string(++inputs)).value();
    auto vault = vault::Vault::create(location, crypto::Key{}, folder.path() / "cache").value();
    const auto tree = stored(*vault, files.value());
    if (tree.ok())
        (void)look_at(*vault, tree.value(), folder.path() / "state");
    for (const auto& entry : location->list("").value()) // it lives as long as the process
        (void)location->remove(entry.name);
    return 0;
}
