#include "component/dump_settings.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

namespace {

constexpr std::size_t most_variables = 1000, longest_value = 64 << 10;

// Dumps set these; those that change what is read or kept are asked for by name below.
constexpr std::string_view set_by_dumps[] = {
    "autocommit",
    "character_set_client",
    "character_set_results",
    "collation_connection",
    "foreign_key_checks",
    "gtid_purged",
    "gtid_slave_pos",
    "information_schema_stats_expiry",
    "innodb_stats_auto_recalc",
    "note_verbosity",
    "sql_log_bin",
    "sql_mode",
    "sql_notes",
    "sql_quote_show_create",
    "time_zone",
    "unique_checks",
};
// Where to follow the log from: of no meaning to a backup.
constexpr std::string_view set_for_all[] = { "gtid_purged", "gtid_slave_pos" };

// Those in which each byte below 0x80 is the letter of ASCII, wherever it stands.
constexpr std::string_view plain_charsets[] = {
    "utf8mb4",  "utf8mb3",  "utf8",   "latin1",  "latin2",  "latin5", "latin7",
    "ascii",    "binary",   "cp1250", "cp1251",  "cp1256",  "cp1257", "cp850",
    "cp852",    "cp866",    "greek",  "hebrew",  "koi8r",   "koi8u",  "tis620",
    "armscii8", "macroman", "macce",  "keybcs2", "geostd8", "hp8",    "dec8",
};

template <class List> bool among(const List& list, std::string_view word) {
    return std::ranges::find(list, word) != std::end(list);
}

Error not_set_by_dumps(std::string_view variable) {
    return { .kind = Kind::denied,
             .why = fmt::format("SET {} is not what dumps contain", printable(variable)) };
}

// Its own name, without the scope. Of a person's variable with its '@'.
Result<std::string> own_name_of(std::string_view variable) {
    auto name = variable;
    if (name.starts_with('@') && !name.starts_with("@@"))
        return std::string(name);
    if (name.starts_with("@@"))
        name.remove_prefix(2);
    const bool for_all = name.starts_with("global.");
    for (const std::string_view scope : { "session.", "local.", "global." })
        if (name.starts_with(scope))
            name.remove_prefix(scope.size());
    if (!among(set_by_dumps, name) || (for_all && !among(set_for_all, name)))
        return not_set_by_dumps(variable);
    return std::string(name);
}

bool has_mode(std::string modes, std::initializer_list<std::string_view> wanted) {
    std::ranges::transform(modes, modes.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    return std::ranges::any_of(split(modes, ','), [&](std::string_view mode) {
        return std::ranges::find(wanted, trimmed(mode)) != wanted.end();
    });
}

} // namespace

Result<void> DumpSettings::set_names(const std::string& charset, const std::string& collation) {
    TRY(set("character_set_client", charset));
    return set("collation_connection", collation);
}

Result<void> DumpSettings::set(std::string_view variable, std::string value) {
    const auto name = TRY(own_name_of(variable));
    if (name == "character_set_client" && !among(plain_charsets, value))
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("the dump is written in the character set {}, in which quotes "
                                         "cannot be told for sure",
                                         printable(value)),
                      .fix = "make it with --default-character-set=utf8mb4" };
    if (value.size() > longest_value || values_.size() > most_variables)
        return Error{ .kind = Kind::denied, .why = "it sets more than any dump would" };
    values_.insert_or_assign(name, std::move(value));
    return {};
}

std::string DumpSettings::value(std::string_view variable) const {
    const auto name = own_name_of(variable);
    if (name.ok() && name.value() == "character_set_client")
        return charset();
    const auto found = name.ok() ? values_.find(name.value()) : values_.end();
    return found == values_.end() ? "" : found->second;
}

std::string DumpSettings::charset() const {
    const auto found = values_.find("character_set_client");
    return found == values_.end() || found->second.empty() ? "utf8mb4" : found->second;
}
std::string DumpSettings::collation() const { return value("collation_connection"); }
std::string DumpSettings::sql_mode() const { return value("sql_mode"); }
std::string DumpSettings::time_zone() const {
    const auto zone = value("time_zone");
    return zone == "SYSTEM" ? "" : zone;
}

bool DumpSettings::backslash_escapes() const {
    return !has_mode(sql_mode(), { "NO_BACKSLASH_ESCAPES" });
}

bool DumpSettings::names_in_double_quotes() const {
    return has_mode(sql_mode(),
                    { "ANSI_QUOTES", "ANSI", "ORACLE", "MSSQL", "DB2", "POSTGRESQL", "MAXDB" });
}

bool DumpSettings::is_plain_mode() const { return backslash_escapes() && !names_in_double_quotes(); }

} // namespace respawn::component
