// Makes a vault of very many chunks, small ones, to measure what a large vault costs: two snapshots of
// N files of a few bytes each, a hundredth of which differ between the two.
//   bench_chunks LOCATION KEY_FILE N
#include "base/time.h"
#include "crypto/crypto.h"
#include "location/locations.h"
#include "vault/vault.h"

#include <cstdio>
#include <cstdlib>

using namespace respawn;

namespace {

constexpr std::uint64_t files_per_folder = 10'000;

Result<vault::ChunkId> store_folder(vault::Writer& writer, std::uint64_t first, std::uint64_t last,
                                    int round) {
    vault::Tree tree;
    for (auto number = first; number < last; ++number) {
        const bool changes = number % 100 == 0;
        io::TextSource bytes("file " + std::to_string(number) +
                             (changes ? " of round " + std::to_string(round) : ""));
        vault::TreeEntry entry;
        entry.name = std::to_string(10'000'000'000 + number);
        entry.mode = 0644;
        entry.content = TRY(writer.store(bytes));
        entry.size = entry.content.size;
        tree.push_back(std::move(entry));
    }
    return writer.store_tree(tree);
}

Result<vault::Snapshot> take(vault::Vault& vault, std::uint64_t files, int round) {
    auto writer = TRY(vault.begin_backup());
    vault::Tree folders;
    for (std::uint64_t first = 0; first < files; first += files_per_folder) {
        vault::TreeEntry folder;
        folder.name = std::to_string(10'000'000'000 + first);
        folder.type = vault::EntryType::folder;
        folder.mode = 0755;
        folder.tree =
            TRY(store_folder(writer, first, std::min(first + files_per_folder, files), round));
        folders.push_back(std::move(folder));
    }
    const auto root = TRY(writer.store_tree(folders));
    return writer.finish({ .game = "chunks",
                           .environment = "bench",
                           .type = "manual",
                           .started = now(),
                           .components = { { .name = "files",
                                             .kind = "files",
                                             .tree = root,
                                             .size_bytes = files * 20,
                                             .files = files } } });
}

Result<void> make(const std::string& url, const std::string& key_file, std::uint64_t files) {
    const vault::Unlock unlock(TRY(crypto::read_key_file(key_file)));
    const auto cache = TRY(io::TemporaryFolder::make());
    const auto vault =
        TRY(vault::Vault::create(TRY(location::open_location(url)), unlock, cache.path()));
    for (int round = 1; round <= 2; ++round)
        std::printf("%s\n", TRY(take(*vault, files, round)).id.c_str());
    return {};
}

} // namespace

int main(int count, char** words) {
    if (count != 4)
        return 2;
    const auto made = make(words[1], words[2], std::strtoull(words[3], nullptr, 10));
    if (!made.ok())
        std::fprintf(stderr, "bench_chunks: %s: %s\n", made.error().what.c_str(),
                     made.error().why.c_str());
    return made.ok() ? 0 : 1;
}
