// A whole vault with one hostile file in it: sealed as whoever has a key could, hostile inside. It is
// opened, listed, checked, pruned and backed up into; only errors and damage may come of it.
#include "crypto/crypto.h"
#include "location/locations.h"
#include "vault/document.h"
#include "vault/keys.h"
#include "vault/pack.h"
#include "vault/vault.h"

#include <map>

using namespace respawn;

namespace {

const vault::Unlock& unlock() {
    static const vault::Unlock fixed{ crypto::Key{} };
    return fixed;
}

// A small vault, made once and copied for each input.
const std::map<std::string, std::string>& template_files() {
    static const auto files = [] {
        const auto folder = io::TemporaryFolder::make().value();
        const auto location = location::open_location("memory:template").value();
        auto made = vault::Vault::create(location, unlock(), folder.path()).value();
        auto writer = made->begin_backup().value();
        io::TextSource bytes("a small file");
        vault::TreeEntry entry;
        entry.name = "small";
        entry.content = writer.store(bytes).value();
        entry.size = entry.content.size;
        const auto tree = writer.store_tree({ entry }).value();
        (void)writer.finish({ .game = "fuzz",
                              .environment = "test",
                              .type = "manual",
                              .started = now(),
                              .components = { { .name = "files", .kind = "files", .tree = tree } } });
        std::map<std::string, std::string> all;
        for (const auto& entry_there : location->list("").value())
            all[entry_there.name] = location->read(entry_there.name, {}).value();
        return all;
    }();
    return files;
}

struct Sealed {
    const char *name, *magic, *use;
};
constexpr Sealed kinds[] = {
    { "index/00000000000000000000000000000001", "RSPI", "index" },
    { "snapshots/01j00000000000000000000000", "RSPS", "snapshot" },
    { "tombstones/01j00000000000000000000000-1", "RSPT", "snapshot" },
    { "pending/01j00000000000000000000000", "RSPN", "keeping" },
    { "pending/01j00000000000000000000000.end", "RSPF", "keeping" },
    { "marks/00000000000000000000000000000001", "RSPD", "keeping" },
    { "marks/00000000000000000000000000000001.waits", "RSPV", "keeping" },
    { "lease/00000001", "RSPL", "keeping" },
};

void create(location::Location& at, const std::string& name, std::string_view bytes) {
    io::TextSource source(bytes);
    (void)at.create(name, source);
}

// A pack whose first blob is what came, as a tree, a list or a document, and which nobody has checked.
void create_pack(location::Location& at, const vault::Keyring& keyring, std::string_view bytes) {
    vault::PackBuilder pack(keyring);
    const auto kind = static_cast<vault::BlobKind>(1 + static_cast<unsigned char>(bytes[0]) % 4);
    vault::ChunkId id;
    id.bytes.fill(7);
    pack.add(kind, id, bytes.size(), bytes, false);
    const auto finished = pack.finish();
    create(at, vault::pack_name(finished.record.id), finished.bytes);
}

void use(vault::Vault& vault) {
    std::vector<vault::Damage> damaged;
    (void)vault.snapshots(&damaged);
    (void)vault.check(vault::CheckDepth::read_data, Cancellation());
    (void)vault.removed(std::chrono::hours(24));
    (void)vault.prune({}, Cancellation());
    if (auto writer = vault.begin_backup(); writer.ok()) {
        io::TextSource bytes("another");
        (void)writer.value().store(bytes);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 2)
        return 0;
    static std::uint64_t inputs = 0;
    const auto folder = io::TemporaryFolder::make().value();
    const auto location = location::open_location("memory:" + std::to_string(++inputs)).value();
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    for (const auto& [name, there] : template_files())
        create(*location, name, there);
    const auto keyring = vault::read_keyring(*location, unlock());
    if (!keyring.ok())
        return 0;
    const auto kind = data[0] % (std::size(kinds) + 2);
    if (kind < std::size(kinds)) {
        const auto& [name, magic, purpose] = kinds[kind];
        create(*location, name, vault::seal_document(keyring.value(), magic, purpose, name, bytes));
    } else if (kind == std::size(kinds)) {
        create_pack(*location, keyring.value(), bytes);
    } else {
        create(*location, "packs/77/77777777777777777777777777777777", bytes);
    }
    if (const auto vault = vault::Vault::open(location, unlock(), folder.path()); vault.ok())
        use(*vault.value());
    return 0;
}
