#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

std::string health_of_unit(const service::Seen& seen) {
    if (seen.unit.state != service::State::running || seen.settings->health.empty())
        return "-";
    return seen.illness.empty() ? "healthy" : "ILL";
}

std::string remark_on(const service::Seen& seen) {
    if (seen.stopped)
        return fmt::format("stopped by run {}", seen.stopped->run());
    if (!seen.illness.empty())
        return seen.illness;
    if (seen.unit.state == service::State::failed && seen.unit.exit_code)
        return fmt::format("ended with {}{}", *seen.unit.exit_code,
                           seen.unit.why.empty() ? "" : ": " + seen.unit.why);
    return seen.unit.why;
}

bool is_well(const service::Seen& seen) {
    return seen.unit.state == service::State::running && seen.illness.empty();
}

Value seen_value(const service::Seen& seen) {
    Value::List needs(seen.settings->needs.begin(), seen.settings->needs.end());
    Value::List needed_by(seen.needed_by.begin(), seen.needed_by.end());
    const auto since = seen.unit.since;
    return Value::Map{ { "name", seen.settings->name },
                       { "state", service::name_of(seen.unit.state) },
                       { "since", since.microseconds == 0 ? Value() : Value(to_rfc3339(since)) },
                       { "pid", seen.unit.pid == 0 ? Value() : Value(seen.unit.pid) },
                       { "healthy", is_well(seen) },
                       { "core", seen.core },
                       { "needs", std::move(needs) },
                       { "needed_by", std::move(needed_by) },
                       { "stopped_by", seen.stopped ? Value(seen.stopped->run()) : Value() },
                       { "remark", remark_on(seen) } };
}

void show_table(const std::vector<service::Seen>& all) {
    Table table({ "UNIT", "STATE", "SINCE", "HEALTH", "NEEDED BY", "" });
    for (const auto& seen : all)
        table.add({ seen.settings->name, std::string(service::name_of(seen.unit.state)),
                    seen.unit.since.microseconds == 0 ? "-" : age_of(seen.unit.since.microseconds),
                    health_of_unit(seen), seen.needed_by.empty() ? "-" : join(seen.needed_by, ", "),
                    printable(remark_on(seen)) });
    say(table.text());
}

Result<int> show_all_services(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const auto all = TRY(TRY(game.services())->look(service::all_units, context.cancel));
    bool well = true;
    Value::List list;
    for (const auto& seen : all) {
        well = well && is_well(seen);
        list.push_back(seen_value(seen));
    }
    if (context.json)
        say_json(list);
    else
        show_table(all);
    return well ? 0 : 4;
}

} // namespace

extern const Verb services = {
    .name = "services",
    .summary =
        "The game's services in the order in which they start: state, health, and who needs them.",
    .details = "Exit 4 when one does not run or is not healthy. Runbooks start and stop them: "
               "respawn.service.",
    .example = "respawn services",
    .run = show_all_services,
};

} // namespace respawn::cli
