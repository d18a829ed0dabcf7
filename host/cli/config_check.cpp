#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "component/scratch_server.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

// One line of the answer.
struct Finding {
    std::string subject, state, why, fix;
};

Finding proved(std::string subject, const Error* error, std::string state = "ok") {
    if (!error)
        return { std::move(subject), std::move(state), "", "" };
    return { std::move(subject), "FAILED", error->why, error->fix };
}

// Where no vault was seen and none is, the first backup makes it.
Finding check_place(const run::Game& game, run::Places& places, run::Place& place) {
    const auto subject = fmt::format("vault {}", place.url);
    const auto vault = places.open(place);
    if (vault.ok())
        return proved(subject, nullptr);
    if (vault.error().kind != Kind::missing)
        return proved(subject, &vault.error());
    const bool moved = places.all().size() == 1 && io::is_there(game.config().state / "vault-seen");
    if (!place.seen && !moved)
        return { subject, "ok", "not there yet: the first backup makes it", "" };
    const auto gone = places.gone(place);
    return proved(subject, &gone);
}

void check_vault(run::Game& game, std::vector<Finding>& findings) {
    const auto places = game.places();
    if (!places.ok())
        return findings.push_back(proved("vault", &places.error()));
    (void)places.value()->first(false); // knows which vault it is
    for (auto& place : places.value()->all())
        findings.push_back(check_place(game, *places.value(), place));
}

// A database on a server: its logins and what they may. `remark` is for one that has all.
Finding check_server(run::Game& game, const config::ComponentSettings& settings,
                     std::string_view remark) {
    const auto subject = fmt::format("component {} ({})", settings.name, settings.kind);
    auto database = game.database(settings.name);
    if (!database.ok())
        return proved(subject, &database.error());
    const auto lacks = database.value()->find_lacks();
    if (!lacks.ok())
        return proved(subject, &lacks.error());
    if (lacks.value().empty())
        return { subject, "ok", std::string(remark), "" };
    return { subject, "FAILED", lacks.value().front().why, lacks.value().front().fix };
}

// The plan's first component that cannot be backed up, as an error.
Finding check_plan(run::Game& game, const config::PlanSettings& plan) {
    const auto subject = fmt::format("plan {}", plan.name);
    for (const auto& settings : game.config().components) {
        const auto& chosen = plan.components;
        if (!chosen.empty() && std::ranges::find(chosen, settings.name) == chosen.end())
            continue;
        if (const auto component = game.component(settings.name);
            !component.ok() && component.error().kind == Kind::unsupported)
            return proved(subject, &component.error());
    }
    return proved(subject, nullptr);
}

Finding check_component(run::Game& game, const config::ComponentSettings& settings,
                        const Cancellation& cancel) {
    const auto subject = fmt::format("component {} ({})", settings.name, settings.kind);
    auto component = game.component(settings.name);
    if (!component.ok() && component.error().kind == Kind::unsupported)
        return check_server(game, settings, "for runbooks; backing it up is for a later version");
    if (component.ok() && settings.kind != "sqlite" && database::is_database(settings))
        return check_server(game, settings, "");
    if (!component.ok())
        return proved(subject, &component.error());
    const auto faults = component.value()->find_faults(game.work(settings.name, cancel));
    if (!faults.ok())
        return proved(subject, &faults.error());
    if (faults.value().empty())
        return proved(subject, nullptr);
    return { subject, "FAILED", faults.value().front(),
             settings.kind == "sqlite" ? "respawn run wox/database_corruption --dry-run" : "" };
}

Finding check_scratch(const config::Config& config, const config::ScratchServer& scratch) {
    const auto subject = fmt::format("scratch of {}", scratch.server.name);
    const auto* live = config.component(scratch.server.name);
    if (!live)
        return { subject, "FAILED", "there is no such component", "" };
    const auto lacks = component::find_scratch_lacks(scratch, *live);
    if (!lacks.ok())
        return proved(subject, &lacks.error());
    if (lacks.value().empty())
        return { subject, "ok", "", "" };
    return { subject, "FAILED", lacks.value().front().why, lacks.value().front().fix };
}

Finding check_journal(const config::JournalSettings& settings) {
    const auto lacks = journal::find_fleet_lacks(settings);
    if (!lacks.ok())
        return proved("journal", &lacks.error());
    if (lacks.value().empty())
        return proved("journal", nullptr);
    return { "journal", "FAILED", lacks.value().front().why, lacks.value().front().fix };
}

// Known to its manager, and ours to start and stop.
Finding check_unit(service::Services& services, const config::UnitSettings& settings,
                   const Cancellation& cancel) {
    const auto subject = fmt::format("service {}", settings.name);
    const auto seen = services.look(settings.name, cancel);
    if (!seen.ok())
        return proved(subject, &seen.error());
    const auto& unit = seen.value().front().unit;
    if (unit.state == service::State::unknown)
        return { subject, "FAILED", unit.why, "check its name in `units:`" };
    const auto forbids = services.what_forbids(settings);
    if (!forbids.ok())
        return proved(subject, &forbids.error());
    if (!forbids.value().empty())
        return { subject, "FAILED", forbids.value(), "see docs/services.md" };
    return { subject, "ok", std::string(service::name_of(unit.state)), "" };
}

void check_services(run::Game& game, std::vector<Finding>& findings, const Cancellation& cancel) {
    const auto services = game.services();
    if (!services.ok())
        return findings.push_back(proved("services", &services.error()));
    for (const auto& settings : services.value()->settings().units)
        findings.push_back(check_unit(*services.value(), settings, cancel));
}

std::vector<Finding> check_all(run::Game& game, const Cancellation& cancel) {
    std::vector<Finding> findings;
    const auto& config = game.config();
    const auto key = run::configured_unlock(config);
    findings.push_back(proved(config.passphrase.empty()
                                  ? fmt::format("key {}", printable(config.key_file.string()))
                                  : fmt::format("passphrase {}", printable(config.passphrase.name())),
                              key.ok() ? nullptr : &key.error()));
    if (key.ok())
        check_vault(game, findings);
    if (config.journal)
        findings.push_back(check_journal(*config.journal));
    for (const auto& settings : game.config().components)
        findings.push_back(check_component(game, settings, cancel));
    for (const auto& scratch : config.scratch_servers)
        findings.push_back(check_scratch(config, scratch));
    for (const auto& plan : game.config().plans)
        findings.push_back(check_plan(game, plan));
    for (const auto& settings : game.config().alerts) {
        const auto channel = game.channel(settings.name);
        findings.push_back(proved(fmt::format("channel {} ({})", settings.name, settings.kind),
                                  channel.ok() ? nullptr : &channel.error()));
    }
    for (const auto& settings : game.config().chains) {
        auto chain = game.chain(settings.name);
        const auto height = chain.ok() ? chain.value()->height() : Result<std::int64_t>(chain.error());
        findings.push_back(proved(fmt::format("chain {}", settings.name),
                                  height.ok() ? nullptr : &height.error(),
                                  height.ok() ? fmt::format("ok, block {}", height.value()) : ""));
    }
    if (config.services)
        check_services(game, findings, cancel);
    return findings;
}

Value json_of(const std::vector<Finding>& findings, const std::vector<std::string>& warnings) {
    Value::List list;
    for (const auto& finding : findings)
        list.push_back(Value::Map{ { "subject", finding.subject },
                                   { "state", finding.state },
                                   { "why", finding.why },
                                   { "fix", finding.fix } });
    Value::List texts(warnings.begin(), warnings.end());
    return Value::Map{ { "findings", std::move(list) }, { "warnings", std::move(texts) } };
}

Result<int> prove(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    const auto findings = check_all(game, context.cancel);
    bool failed = false;
    for (const auto& finding : findings)
        failed = failed || finding.state == "FAILED";
    if (context.json) {
        say_json(json_of(findings, game.config().warnings));
        return failed ? 2 : 0;
    }
    say(fmt::format("{} is well-formed", printable(game.config().file.string())));
    for (const auto& finding : findings) {
        const auto bad = finding.state == "FAILED";
        say(fmt::format("  {:<40} {}{}", finding.subject,
                        painted(finding.state, bad ? Colour::red : Colour::green),
                        finding.why.empty() ? "" : "  " + printable(finding.why)));
        if (!finding.fix.empty())
            say(fmt::format("  {:<40} do: {}", "", finding.fix));
    }
    return failed ? 2 : 0;
}

} // namespace

extern const Verb config_check = {
    .name = "config check",
    .summary = "Reads the configuration strictly and proves every key, component and connection.",
    .example = "respawn config check --config /etc/respawn/respawn.yaml",
    .run = prove,
};

} // namespace respawn::cli
