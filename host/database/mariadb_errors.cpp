#include "database/mariadb_errors.h"

#include <algorithm>

namespace respawn::database {

namespace {

struct Known {
    unsigned code;
    MariadbProblem problem;
};

constexpr std::string_view unreachable =
    "see that the server runs and that host, port or socket are right";
constexpr std::string_view dropped = "see the server's log; the next call connects again";
constexpr std::string_view no_entry = "check user and password; docs/databases.md has the GRANTs";
constexpr std::string_view no_right = "docs/databases.md has the GRANTs that respawn needs";
constexpr std::string_view busy = "the game holds the row or table; try again, or stop the game first";
constexpr std::string_view full = "free some space at the server, then run the same command again";
constexpr std::string_view read_only =
    "it is a replica or was set read only: use the server that takes writes";
constexpr std::string_view constraint = "the game's own rule refuses the change";
constexpr std::string_view range = "give a value that the column can hold whole";
constexpr std::string_view slow = "ask for less or add an index";

constexpr Known known[] = {
    { 2002, { Kind::unavailable, unreachable, false, true } },
    { 2003, { Kind::unavailable, unreachable, false, true } },
    { 2005, { Kind::unavailable, unreachable, false, true } },
    { 1040, { Kind::unavailable, "the server has no free connection; try again", false, true } },
    { 1203, { Kind::unavailable, "the login has no free connection; try again", false, true } },
    { 1129, { Kind::unavailable, "at the server: FLUSH HOSTS", false, true } },
    { 2006, { Kind::unavailable, dropped, false, true } },
    { 2012, { Kind::unavailable, dropped, false, true } },
    { 2013, { Kind::unavailable, dropped, false, true } },
    { 2014, { Kind::unavailable, dropped, false, true } },
    { 1053, { Kind::unavailable, dropped, false, true } },
    { 1927, { Kind::unavailable, dropped, false, true } },
    { 4031, { Kind::unavailable, dropped, false, true } },
    { 1158, { Kind::unavailable, dropped, false, true } },
    { 1159, { Kind::unavailable, dropped, false, true } },
    { 1160, { Kind::unavailable, dropped, false, true } },
    { 1161, { Kind::unavailable, dropped, false, true } },
    { 2026,
      { Kind::denied,
        "check the server's certificate and `tls_ca:`, or say `tls: required` to encrypt only", false,
        true } },
    { 1045, { Kind::denied, no_entry, false, true } },
    { 1698, { Kind::denied, no_entry, false, true } },
    { 1130,
      { Kind::denied, "the login may not connect from this machine: see its host part", false, true } },
    { 1251, { Kind::denied, no_entry, false, true } },
    { 1820, { Kind::denied, "the login's password has expired", false, true } },
    { 2059,
      { Kind::denied, "the login's authentication plugin is not known to this client", false, true } },
    { 4151, { Kind::denied, "the login is locked", false, true } },
    { 1044, { Kind::denied, no_right, false, false } },
    { 1142, { Kind::denied, no_right, false, false } },
    { 1143, { Kind::denied, no_right, false, false } },
    { 1227, { Kind::denied, no_right, false, false } },
    { 1370, { Kind::denied, no_right, false, false } },
    { 1290, { Kind::denied, read_only, false, false } },
    { 1836, { Kind::denied, read_only, false, false } },
    { 1792, { Kind::denied, "change rows with respawn.write", false, false } },
    { 1049, { Kind::missing, "see that the database in `url:` is the game's", false, false } },
    { 1205, { Kind::unavailable, busy, true, false } },
    { 1213, { Kind::unavailable, busy, true, false } },
    { 1020, { Kind::unavailable, busy, true, false } },
    { 1412, { Kind::unavailable, "a table's definition was just changed; try again", true, false } },
    { 1021, { Kind::no_space, full, false, false } },
    { 1030, { Kind::io, "see the server's log", false, false } },
    { 1114, { Kind::no_space, full, false, false } },
    { 3, { Kind::no_space, full, false, false } },
    { 1048, { Kind::conflict, constraint, false, false } },
    { 1062, { Kind::conflict, constraint, false, false } },
    { 1364, { Kind::conflict, "give the column a value", false, false } },
    { 1451, { Kind::conflict, constraint, false, false } },
    { 1452, { Kind::conflict, constraint, false, false } },
    { 1644, { Kind::conflict, "a trigger of the game refuses the change", false, false } },
    { 3819, { Kind::conflict, constraint, false, false } },
    { 4025, { Kind::conflict, constraint, false, false } },
    { 1264, { Kind::script, range, false, false } },
    { 1265, { Kind::script, range, false, false } },
    { 1292, { Kind::script, range, false, false } },
    { 1366, { Kind::script, range, false, false } },
    { 1406, { Kind::script, range, false, false } },
    { 1690, { Kind::script, range, false, false } },
    { 1317, { Kind::cancelled, "somebody stopped the statement at the server", false, false } },
    { 1907, { Kind::timeout, slow, false, false } },
    { 1969, { Kind::timeout, slow, false, false } },
    { 3024, { Kind::timeout, slow, false, false } },
};

} // namespace

MariadbProblem mariadb_problem(unsigned code) {
    for (const auto& one : known)
        if (one.code == code)
            return one.problem;
    return {};
}

bool is_cut_value(unsigned code) {
    constexpr unsigned cut[] = { 1264, 1265, 1292, 1366, 1406 };
    return std::ranges::find(cut, code) != std::end(cut);
}

} // namespace respawn::database
