// The table of all keys that respawn.yaml may have. It is data: the check walks it, the reference page
// is printed from it, and a new key is a new line of it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::config {

enum class Type {
    section,      // a map with keys of its own
    sections,     // a list of such maps
    text,         // a short text
    path,         // relative paths start at the configuration's folder
    paths,        // one or more of them
    texts,        // one or more texts
    components,   // "all", or names of components
    choice,       // one of a few words
    count,        // a whole number, 0 or more
    depth,        // a whole number, 1 or more
    time_of_day,  // "02:00"
    period,       // "hourly", "daily", "weekly", or a duration
    duration,     // "24h", "7d"
    location_url, // where a vault's files are
    server_url,   // scheme://user@host:port/name, without a password
    secret,       // ${env:NAME} or ${file:PATH}
    endpoints,    // one or more of: http(s) URL, ${env:NAME}, ${file:PATH}
    address,      // 0x and 40 hex digits
    value,        // a number or a text
    number,       // with or without a point
    numbers,      // two of them
    share,        // "10%"
    pattern,      // a POSIX extended regular expression
    moment,       // "now", RFC 3339, a date
    size,         // "20 GiB"
    server,       // a server_url alone, or a section that has it as `url`
};

enum class Need {
    optional,
    required,
    essential, // optional, but a mistake in it is never passed over
    not_yet,   // checked in form; this version does nothing with it, and says so
};

struct Key {
    std::string_view section; // "" is the top; "plans.*" are the entries of plans
    std::string_view name;    // "*" is any name
    Type type;
    Need need = Need::optional;
    std::string_view doc;
    std::string_view kinds = {};   // the kinds of entry that have this key; empty: all of them
    std::string_view label = {};   // of a choice: what it is called
    std::string_view choices = {}; // of a choice
    std::string_view later = {};   // words that a later version knows
};

inline constexpr std::string_view snapshot_types =
    "full incremental auto_daily manual pre_update pre_migration emergency";

std::span<const Key> all_keys();
std::string_view type_text(Type type); // "a path"

// The key of a section, by name, else the section's "*"; null when there is none.
const Key* find_key(std::string_view section, std::string_view name);
// True when entries of that kind have this key.
bool has_kind(const Key& key, std::string_view kind);
std::vector<std::string> words_of(std::string_view list);

} // namespace respawn::config
