#include "config/config.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/keys.h"

namespace respawn::config {

namespace {

std::string need_text(const Key& key) {
    switch (key.need) {
    case Need::required:
        return "required";
    case Need::not_yet:
        return "not used yet";
    default:
        return "";
    }
}

std::string words_text(std::string_view list) { return join(words_of(list), ", "); }

std::string line_of(const Key& key) {
    std::string doc(key.doc);
    if (!key.choices.empty())
        doc += fmt::format(": {}", words_text(key.choices));
    if (!key.later.empty())
        doc += fmt::format(" (a later version: {})", words_text(key.later));
    if (!key.kinds.empty())
        doc += fmt::format(" (of {})", words_text(key.kinds));
    const auto name = key.name == "*" ? std::string("any name") : fmt::format("`{}`", key.name);
    return fmt::format("| {} | {} | {} | {} |\n", name, type_text(key.type), need_text(key), doc);
}

std::string heading_of(std::string_view section) {
    constexpr std::string_view columns = "| key | type | | |\n| --- | --- | --- | --- |\n";
    if (section.empty())
        return fmt::format("\n## The top\n\n{}", columns);
    return fmt::format("\n## `{}`\n\n{}", section, columns);
}

} // namespace

std::string configuration_reference() {
    std::string page =
        "# respawn.yaml\n\nGenerated from `host/config/keys.cpp`. `*` stands for any name. Other "
        "keys are errors. A secret is written\n`${env:NAME}` or `${file:PATH}`, never as it is; "
        "relative paths start at the file's folder.\n";
    std::string_view section = "none yet";
    for (const auto& key : all_keys()) {
        if (key.section != section)
            page += heading_of(section = key.section);
        page += line_of(key);
    }
    return page;
}

} // namespace respawn::config
