// victim LOCATION KEY-FILE CACHE FILE: backs FILE up into the vault, which is made when missing.
// Exit 0, or 1 with the error's reason on stderr.
#include "location/locations.h"
#include "vault/vault.h"

#include <cstdio>

using namespace respawn;

namespace {

Result<void> back_up(const char* url, const char* key_file, const char* cache, const char* file) {
    const auto key = TRY(crypto::read_key_file(key_file));
    const auto location = TRY(location::open_location(url));
    auto opened = vault::Vault::open(location, key, cache);
    if (!opened.ok() && opened.error().kind == Kind::missing)
        opened = vault::Vault::create(location, key, cache);
    const auto vault = TRY(std::move(opened));
    auto writer = TRY(vault->begin_backup());
    auto source = TRY(io::FileSource::open(file));
    const auto content = TRY(writer.store(source));
    vault::ComponentRecord record{
        .name = "file", .kind = "files", .size_bytes = content.size, .files = 1
    };
    record.tree =
        TRY(writer.store_tree({ { .name = "file", .size = content.size, .content = content } }));
    vault::SnapshotDraft draft{ .game = "test", .type = "manual", .started = now() };
    draft.components = { record };
    TRY(writer.finish(std::move(draft)));
    return {};
}

} // namespace

int main(int count, char** arguments) {
    if (count != 5)
        return 2;
    const auto done = back_up(arguments[1], arguments[2], arguments[3], arguments[4]);
    if (!done.ok())
        std::fprintf(stderr, "%s\n", done.error().why.c_str());
    return done.ok() ? 0 : 1;
}
