#include "database/markers.h"

#include "base/bytes.h"
#include "base/id.h"
#include "base/text.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

Result<bool> has_tables(Session& session) {
    if (!TRY(session.has_table("respawn_incarnation")))
        return false;
    return !TRY(session.value("select id from respawn_incarnation")).is_null();
}

// Itself, and all that it lies in: "/duel:7/" lies in "/".
std::vector<Value> with_all_above(std::string_view target) {
    std::vector<Value> all;
    for (std::size_t end = target.find('/'); end != std::string_view::npos;
         end = target.find('/', end + 1))
        all.emplace_back(target.substr(0, end + 1));
    return all;
}

// The highest token for the target, what contains it and what lies in it. Targets are compared by their
// bytes, and '0' is the one after '/'.
Result<std::int64_t> highest_token(Session& session, const std::string& target) {
    auto parameters = with_all_above(target);
    std::string marks;
    for (std::size_t i = 0; i < parameters.size(); ++i)
        marks += i == 0 ? "?" : ", ?";
    parameters.emplace_back(target);
    parameters.emplace_back(target.substr(0, target.size() - 1) + "0");
    const auto highest =
        TRY(session.value(fmt::format("select max(token) from respawn_fence where target in ({}) or "
                                      "(target > ? and target < ?)",
                                      marks),
                          parameters));
    return highest.integer() ? *highest.integer() : INT64_MIN;
}

Error used_before(const std::string& key, const Value::Map& marker) {
    return Error{ .kind = Kind::conflict,
                  .why = fmt::format("{} was done before, by run {} at {}", printable(key),
                                     marker.at("run").text() ? *marker.at("run").text() : "?",
                                     marker.at("at").text() ? *marker.at("at").text() : "?"),
                  .fix = "it happens once, ever: look at that run with `respawn runs show`" };
}

} // namespace

Result<void> make_marker_tables(Session& session, const MarkerTables& tables) {
    if (TRY(has_tables(session)))
        return {};
    for (const auto& statement : tables.statements)
        TRY(session.run(statement));
    return session.run(tables.name_incarnation, { make_ulid(now()) });
}

Result<void> check_token(Session& session, const Marker& marker) {
    if (!marker.target.ends_with('/'))
        return Error{ .kind = Kind::internal,
                      .why = fmt::format("the target {} is no path", printable(marker.target)) };
    if (const auto highest = TRY(highest_token(session, marker.target)); highest > marker.token)
        return Error{ .kind = Kind::leased,
                      .why = fmt::format("a later run has taken over {} (its token is {}, ours {})",
                                         printable(marker.target), highest, marker.token),
                      .fix = "respawn runs shows it; nothing was changed by this one" };
    TRY(session.run("update respawn_fence set token = ? where target = ?",
                    { marker.token, marker.target }));
    if (session.changed_rows() > 0)
        return {};
    return session.run("insert into respawn_fence (target, token) values (?, ?)",
                       { marker.target, marker.token });
}

Result<void> check_business_keys(Session& session, const Write& write) {
    if (!TRY(has_tables(session)))
        return {};
    for (const auto& change : write.changes) {
        if (change.business_key.empty())
            continue;
        const auto used =
            TRY(session.rows("select m.run, m.at from respawn_business_keys k left join "
                             "respawn_markers m on m.number = k.marker where k.business_key = ?",
                             { change.business_key }));
        if (!used.empty())
            return used_before(change.business_key, used[0]);
    }
    return {};
}

Result<void> take_business_keys(Session& session, const Write& write, std::int64_t marker_number) {
    TRY(check_business_keys(session, write));
    for (const auto& change : write.changes) {
        if (change.business_key.empty())
            continue;
        auto taken =
            session.run("insert into respawn_business_keys (business_key, marker) values (?, ?)",
                        { change.business_key, marker_number });
        if (!taken.ok() && taken.error().kind == Kind::conflict)
            return Error{ .kind = Kind::script,
                          .why = fmt::format("two changes of one write carry the business key {}",
                                             printable(change.business_key)) };
        TRY(std::move(taken));
    }
    return {};
}

Result<std::int64_t> add_marker(Session& session, const Marker& marker, std::string_view why,
                                Moment moment) {
    const auto highest = TRY(session.value("select max(number) from respawn_markers"));
    const std::int64_t number = highest.integer() ? *highest.integer() + 1 : 1;
    TRY(session.run("insert into respawn_markers (number, run, step, target, token, why, at) values "
                    "(?, ?, ?, ?, ?, ?, ?)",
                    { number, marker.run, marker.step, marker.target, marker.token, why,
                      to_rfc3339(moment, true) }));
    return number;
}

Result<void> fill_marker(Session& session, std::int64_t number, const Written& written) {
    return session.run("update respawn_markers set result = ? where number = ?",
                       { Blob{ encode(to_value(written)) }, number });
}

Result<std::optional<Written>> find_marker(Session& session, std::string_view run, std::int64_t step) {
    if (!TRY(has_tables(session)))
        return std::optional<Written>();
    const auto result = TRY(
        session.value("select result from respawn_markers where run = ? and step = ?", { run, step }));
    if (!result.blob())
        return std::optional<Written>();
    return std::optional<Written>(TRY(written_from(TRY(decode(result.blob()->bytes)))));
}

Result<MarkerState> read_marker_state(Session& session) {
    if (!TRY(has_tables(session)))
        return MarkerState{};
    const auto incarnation = TRY(session.value("select id from respawn_incarnation"));
    const auto highest = TRY(session.value("select max(number) from respawn_markers"));
    return MarkerState{ incarnation.text() ? *incarnation.text() : "",
                        highest.integer() ? *highest.integer() : 0 };
}

} // namespace respawn::database
