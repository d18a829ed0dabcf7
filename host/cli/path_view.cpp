#include "cli/path_view.h"

#include "base/time.h"
#include "cli/output.h"

#include <fmt/format.h>

namespace respawn::cli {

using vault::EntryType;
using vault::TreeEntry;

namespace {

std::string name_or_number(const std::string& name, std::uint32_t number) {
    return name.empty() ? std::to_string(number) : name;
}

char type_letter(EntryType type) { return "?-dlpsbc"[static_cast<std::size_t>(type)]; }

} // namespace

std::string_view type_text(EntryType type) {
    static constexpr std::string_view texts[] = {
        "unknown", "file", "folder", "link", "pipe", "socket", "block_device", "character_device"
    };
    return texts[static_cast<std::size_t>(type)];
}

std::string mode_text(const TreeEntry& entry) {
    std::string text = "?rwxrwxrwx";
    text[0] = type_letter(entry.type);
    for (unsigned bit = 0; bit < 9; ++bit)
        if (!(entry.mode & (0400U >> bit)))
            text[bit + 1] = '-';
    const auto special = [&](std::size_t at, unsigned bit, char with, char without) {
        if (entry.mode & bit)
            text[at] = text[at] == 'x' ? with : without;
    };
    special(3, 04000, 's', 'S');
    special(6, 02000, 's', 'S');
    special(9, 01000, 't', 'T');
    return text;
}

std::string owner_text(const TreeEntry& entry) {
    return name_or_number(entry.user_name, entry.user) + ":" +
           name_or_number(entry.group_name, entry.group);
}

std::string time_text(std::int64_t nanoseconds) { return to_rfc3339({ nanoseconds / 1000 }, true); }

Value to_value(const component::PathEntry& found) {
    const auto& entry = found.entry;
    Value::Map map{ { "path", found.path },
                    { "type", type_text(entry.type) },
                    { "size", static_cast<std::int64_t>(entry.size) },
                    { "mode", fmt::format("{:04o}", entry.mode) },
                    { "user", name_or_number(entry.user_name, entry.user) },
                    { "group", name_or_number(entry.group_name, entry.group) },
                    { "modified", to_rfc3339({ entry.modified_ns / 1000 }) } };
    if (entry.type == EntryType::symlink)
        map.emplace("target", entry.target);
    return map;
}

void JsonArray::add(const Value& item) {
    say((begun_ ? ", " : "[ ") + to_json(item));
    begun_ = true;
}

void JsonArray::finish() { say(begun_ ? "]" : "[]"); }

} // namespace respawn::cli
