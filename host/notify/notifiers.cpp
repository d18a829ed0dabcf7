#include "notify/kinds.h"

#include <fmt/format.h>

#include "base/text.h"

namespace respawn::notify {

namespace {

struct NotifierKind {
    std::string_view name;
    std::unique_ptr<Notifier> (*open)(const config::AlertSettings&);
};

constexpr NotifierKind kinds[] = {
    { "file", open_file },
    { "webhook", open_webhook },
};

} // namespace

Result<std::unique_ptr<Notifier>> open_notifier(const config::AlertSettings& settings) {
    std::vector<std::string> known;
    for (const auto& kind : kinds) {
        if (kind.name == settings.kind)
            return kind.open(settings);
        known.emplace_back(kind.name);
    }
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no kind of alert; known: {}", printable(settings.kind),
                                     join(known, ", ")) };
}

} // namespace respawn::notify
