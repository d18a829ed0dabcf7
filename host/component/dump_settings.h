// What a dump sets before its statements, and sets back behind them: followed, never run.
#pragma once

#include "base/result.h"

#include <map>
#include <optional>
#include <string>

namespace respawn::component {

class DumpSettings {
  public:
    // SET NAMES. Kind::denied for a character set in which a quote's byte can be a part of a letter.
    Result<void> set_names(const std::string& charset, const std::string& collation);
    // A variable as written, in lower case: "sql_mode", "@@session.sql_mode", "@old_sql_mode".
    // Kind::denied for one that dumps do not set.
    Result<void> set(std::string_view variable, std::string value);
    // Empty for one that was not set.
    std::string value(std::string_view variable) const;

    std::string charset() const;   // of the text: utf8mb4 where it does not say
    std::string collation() const; // of the connection; empty where it does not say
    std::string sql_mode() const;
    std::string time_zone() const; // empty where it does not say
    bool names_in_double_quotes() const;
    bool backslash_escapes() const;
    // Statements for tables are written in a mode in which quotes are what they are by default.
    bool is_plain_mode() const;

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

} // namespace respawn::component
