#include "run/stream.h"

#include "base/text.h"
#include "crypto/sealed_stream.h"
#include "io/compress.h"
#include "location/locations.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

Result<std::unique_ptr<io::Source>> open_dump(Game& game, const Value& stage) {
    std::vector<std::string> tables;
    if (const auto* names = stage.at("tables").list())
        for (const auto& name : *names)
            tables.push_back(name.text() ? *name.text() : to_text(name));
    return TRY(game.database(stage.text_at("component")))->dump(tables);
}

} // namespace

Result<std::unique_ptr<io::Source>> open_stream(Game& game, const Value::List& stages) {
    std::unique_ptr<io::Source> stream;
    for (const auto& stage : stages) {
        const auto name = stage.text_at("stage");
        if ((name == "dump") != (stream == nullptr))
            return Error{ .kind = Kind::script,
                          .why = "a stream begins with respawn.dump, and has one only" };
        if (name == "dump")
            stream = TRY(open_dump(game, stage));
        else if (name == "compress")
            stream = io::compressed(std::move(stream));
        else if (name == "encrypt")
            stream = crypto::sealed_stream(TRY(game.vault_or_new())->purpose_key("export"),
                                           std::move(stream));
        else
            return Error{ .kind = Kind::script,
                          .why = fmt::format("'{}' is no stage of a stream", printable(name)) };
    }
    if (!stream)
        return Error{ .kind = Kind::script, .why = "the stream has no stages" };
    return stream;
}

Result<std::shared_ptr<location::Location>> location_named(Game& game, const std::string& name) {
    const auto& locations = game.config().locations;
    for (const auto& settings : locations)
        if (name.empty() || settings.name == name)
            return location::open_location(settings.url);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("there is no location '{}' in the configuration", printable(name)),
                  .fix = "name one under vault: locations:" };
}

} // namespace respawn::run
