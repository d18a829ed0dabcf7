#include "cli/source.h"

#include "base/text.h"
#include "cli/output.h"
#include "location/locations.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<Source> open_by_itself(const Context& context) {
    if (!context.typed.has("--key-file"))
        return Error{ .kind = Kind::usage,
                      .why = "a vault without a configuration takes its key as well",
                      .fix = "add --key-file FILE" };
    const auto url = context.typed.value("--location");
    const auto key = TRY(crypto::read_key_file(context.typed.value("--key-file")));
    Source source;
    source.cache = std::make_unique<io::TemporaryFolder>(TRY(io::TemporaryFolder::make()));
    source.opened = TRY(vault::Vault::open(TRY(location::open_location(url)), key, source.cache->path())
                            .while_doing("open the vault", url));
    source.vault = source.opened.get();
    return source;
}

} // namespace

Result<Source> open_source(const Context& context, config::Strictness strictness) {
    if (context.typed.has("--location"))
        return open_by_itself(context);
    if (context.typed.has("--key-file"))
        return Error{ .kind = Kind::usage,
                      .why = "--key-file is for a vault without a configuration",
                      .fix = "name the vault: --location URL" };
    Source source;
    source.game = TRY(context.game(strictness));
    source.vault = TRY(source.game->vault());
    return source;
}

Result<std::vector<vault::Snapshot>> readable_snapshots(Source& source) {
    std::vector<vault::Damage> damaged;
    auto snapshots = TRY(source.vault->snapshots(&damaged));
    for (const auto& damage : damaged)
        tell(fmt::format("warning: {}: {}", damage.object, damage.why));
    return snapshots;
}

Result<vault::Snapshot> named_snapshot(Source& source, std::string_view name,
                                       std::vector<std::string> needs,
                                       const std::vector<std::string>& paths) {
    const auto snapshots = TRY(readable_snapshots(source));
    for (const auto& path : paths) {
        const auto first = std::string(split(path, '/').front());
        if (std::ranges::any_of(snapshots, [&](const auto& one) { return one.component(first); }))
            needs.push_back(first);
    }
    return vault::find_snapshot(snapshots, name.empty() ? "latest" : name, needs, now());
}

} // namespace respawn::cli
