#include "database/postgres_errors.h"

namespace respawn::database {

namespace {

constexpr std::string_view constraint = "the game's own rule refuses the change";
constexpr std::string_view range = "give a value that the column can hold whole";
constexpr std::string_view busy = "the game holds the row or table; try again, or stop the game first";
constexpr std::string_view gone = "see the server's log; the next call connects again";

// The first that fits; codes before their classes.
constexpr PostgresProblem known[] = {
    { "28", Kind::denied, "check user and password; docs/databases.md has the GRANTs" },
    { "3D000", Kind::missing, "see that the database in `url:` is the game's" },
    { "42501", Kind::denied, "docs/databases.md has the GRANTs that respawn needs" },
    { "25006", Kind::denied, "it is a replica or was set read only: use the server that takes writes" },
    { "40001", Kind::unavailable, busy, true },
    { "40P01", Kind::unavailable, busy, true },
    { "55P03", Kind::unavailable, busy, true },
    { "55006", Kind::unavailable, busy },
    { "53100", Kind::no_space, "free some space at the server, then run the same command again" },
    { "53300", Kind::unavailable, "the server has no free connection; try again" },
    { "53", Kind::unavailable, "see the server's log" },
    { "57014", Kind::timeout, "ask for less or add an index" },
    { "57", Kind::unavailable, gone },
    { "08", Kind::unavailable, gone },
    { "25P03", Kind::unavailable, gone },
    { "58", Kind::io, "see the server's log" },
    { "XX", Kind::corrupt, "see the server's log, then restore: respawn restore latest" },
    { "23", Kind::conflict, constraint },
    { "44000", Kind::conflict, constraint },
    { "P0001", Kind::conflict, "a trigger of the game refuses the change" },
    { "22", Kind::script, range },
    { "42804", Kind::script, range },
    { "0A000", Kind::unsupported, "" },
    { "", Kind::usage, "" },
};

} // namespace

const PostgresProblem& postgres_problem(std::string_view code) {
    const auto* one = known;
    while (!code.starts_with(one->begins))
        ++one;
    return *one;
}

Kind kind_of_refusal(std::string_view text) {
    const auto says = [&](std::string_view words) {
        return text.find(words) != std::string_view::npos;
    };
    if (says("does not exist") && says("database \""))
        return Kind::missing;
    if (says("password") || says("authentication") || says("pg_hba") || says("role \"") ||
        says("certificate") || says("SSL") || says("permission denied"))
        return Kind::denied;
    return Kind::unavailable;
}

} // namespace respawn::database
