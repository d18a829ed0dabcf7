#include "base/bytes.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"
#include "run/keeping.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

// What a cleanup would do, as it is shown before it is done.
struct Proposal {
    std::vector<vault::Snapshot> snapshots;
    vault::Retention retention;
    std::map<std::string, std::uint64_t> freed; // by id, of those that go
    std::uint64_t freed_bytes = 0;
    std::string code; // confirms exactly this
};

Result<Proposal> propose(const Context& context, const config::Config& config, vault::Vault& vault) {
    Proposal proposal{ .snapshots = TRY(vault.snapshots()), .retention = {}, .freed = {}, .code = {} };
    if (context.typed.has("--plan")) {
        const auto plan = context.typed.value("--plan");
        std::erase_if(proposal.snapshots, [&](const auto& one) { return one.plan != plan; });
    }
    proposal.retention = vault::decide_retention(proposal.snapshots, run::rules_from(config),
                                                 TRY(vault.clock()), TRY(vault.last_kept()));
    const auto going = proposal.retention.going();
    const auto freed = TRY(vault.freed_by(going, context.cancel));
    for (std::size_t i = 0; i < going.size(); ++i) {
        proposal.freed[going[i]] = freed[i];
        proposal.freed_bytes += freed[i];
    }
    proposal.code = to_hex(crypto::sha256(join(going, ","))).substr(0, 6);
    return proposal;
}

Value json_of(const Proposal& proposal, std::string_view state) {
    Value::List snapshots;
    for (std::size_t i = 0; i < proposal.snapshots.size(); ++i) {
        const auto& snapshot = proposal.snapshots[i];
        const auto& verdict = proposal.retention.verdicts[i];
        const auto freed = proposal.freed.find(snapshot.id);
        snapshots.push_back(Value::Map{
            { "id", snapshot.id },
            { "plan", snapshot.plan },
            { "type", snapshot.type },
            { "start_time", to_rfc3339({ snapshot.started }) },
            { "keep", verdict.keep },
            { "why", verdict.why },
            { "freed_bytes",
              static_cast<std::int64_t>(freed == proposal.freed.end() ? 0 : freed->second) } });
    }
    const auto& concerns = proposal.retention.concerns;
    return Value::Map{ { "state", state },
                       { "snapshots", std::move(snapshots) },
                       { "removed", static_cast<std::int64_t>(proposal.freed.size()) },
                       { "freed_bytes", static_cast<std::int64_t>(proposal.freed_bytes) },
                       { "concerns", Value::List(concerns.begin(), concerns.end()) },
                       { "confirm", concerns.empty() ? Value() : Value(proposal.code) } };
}

void show(const Proposal& proposal) {
    Table table({ "id", "taken", "plan", "type", "", "why", "frees" });
    for (std::size_t i = 0; i < proposal.snapshots.size(); ++i) {
        const auto& snapshot = proposal.snapshots[i];
        const auto& verdict = proposal.retention.verdicts[i];
        table.add({ snapshot.id, to_rfc3339({ snapshot.started }, true),
                    snapshot.plan.empty() ? "-" : printable(snapshot.plan), printable(snapshot.type),
                    verdict.keep ? "stays" : "GOES", verdict.why,
                    verdict.keep ? "" : human_size(proposal.freed.at(snapshot.id)) });
    }
    say(table.text());
    say(fmt::format("{} of {} would go; {} would be freed", proposal.freed.size(),
                    counted(proposal.snapshots.size(), "backup"), human_size(proposal.freed_bytes)));
    for (const auto& concern : proposal.retention.concerns)
        say(painted("LOOK    ", Colour::red) + concern);
}

// Asks unless that is answered already. What is unusual takes the code of exactly this proposal.
Result<bool> may_go_on(const Context& context, const Proposal& proposal) {
    if (!proposal.retention.concerns.empty()) {
        if (context.typed.value("--confirm") == proposal.code)
            return true;
        return Error{ .kind = Kind::needs_person,
                      .why = proposal.retention.concerns.front(),
                      .fix = fmt::format(
                          "nothing was removed; if it is right: respawn cleanup{} --confirm {}",
                          context.typed.has("--plan") ? " --plan " + context.typed.value("--plan") : "",
                          proposal.code) };
    }
    if (context.typed.has("--yes") || context.typed.has("--confirm"))
        return true;
    return ask(fmt::format("Remove {}?", counted(proposal.freed.size(), "backup")),
               "respawn cleanup --yes");
}

void say_done(const Proposal& proposal, Duration grace) {
    say(fmt::format("removed {}; within {} they can be brought back: respawn undelete ID",
                    counted(proposal.freed.size(), "backup"), human_duration(grace)));
    say(fmt::format("{} are freed after that by: respawn prune", human_size(proposal.freed_bytes)));
}

Result<int> clean_up(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    auto* vault = TRY(game.vault());
    if (context.typed.has("--plan") && game.config().plan(context.typed.value("--plan")) == nullptr)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("there is no plan '{}' in the configuration",
                                         printable(context.typed.value("--plan"))),
                      .fix = "respawn cleanup without --plan looks at all backups" };
    const auto proposal = TRY(propose(context, game.config(), *vault));
    const bool nothing = proposal.freed.empty(), dry = context.typed.has("--dry-run");
    if (!context.json)
        show(proposal);
    if (nothing || dry) {
        if (context.json)
            say_json(json_of(proposal, nothing ? "not_needed" : "dry_run"));
        else
            say(dry ? "Nothing was removed: this was a dry run." : "There is nothing to remove.");
        return 0;
    }
    const auto answer = may_go_on(context, proposal);
    if (!answer.ok() && context.json && answer.error().kind == Kind::needs_person) {
        say_json(json_of(proposal, "waits")); // one value, not an error behind it
        tell(error_text(answer.error()));
        return 5;
    }
    if (!TRY(answer)) {
        say("Nothing was removed.");
        return 5;
    }
    TRY(vault->remove(proposal.retention.going(), "cleanup"));
    if (context.json)
        say_json(json_of(proposal, "done"));
    else
        say_done(proposal, game.config().grace);
    return 0;
}

} // namespace

extern const Verb cleanup = {
    .name = "cleanup",
    .summary = "Removes the backups that no rule keeps any longer, after showing them.",
    .options = { { .name = "--plan", .value = "PLAN", .doc = "only the backups of this plan" },
                 { .name = "--dry-run", .doc = "show what would go, and why the others stay" },
                 { .name = "--yes", .doc = "do it without asking, unless something is unusual" },
                 { .name = "--confirm",
                   .value = "CODE",
                   .doc = "do what was shown with this code, unusual as it is" } },
    .details =
        "The last good backup of each plan and type always stays. Exit 5 when a person has to look: "
        "more\n"
        "than a third of a series would go, or a clock cannot be right. Removed backups can be "
        "brought\n"
        "back with `respawn undelete` for a while; `respawn prune` frees their space after that.",
    .example = "respawn cleanup --dry-run",
    .run = clean_up,
};

} // namespace respawn::cli
