#include "base/bytes.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/place_view.h"
#include "cli/snapshot_view.h"
#include "run/keeping.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

// What a cleanup would do, as it is shown before it is done.
struct Proposal {
    run::Place* place = nullptr;
    std::vector<vault::Snapshot> snapshots;
    vault::Retention retention;
    std::map<std::string, std::uint64_t> freed; // by id, of those that go
    std::uint64_t freed_bytes = 0;
};

// At each location, which keeps its own backups.
struct Proposals {
    std::vector<Proposal> list;
    std::vector<std::string> concerns;
    std::size_t removed = 0; // in all
    std::string code;        // confirms exactly this
    bool everywhere = true;  // every location answered
};

Result<Proposal> propose(const Context& context, const config::Config& config, run::Place& place) {
    auto& vault = *place.vault;
    Proposal proposal{ .place = &place, .snapshots = {}, .retention = {}, .freed = {} };
    proposal.snapshots = TRY(vault.own_snapshots());
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
    return proposal;
}

Result<Proposals> propose_all(const Context& context, run::Game& game) {
    Proposals all;
    std::string going;
    const auto places = TRY(asked_places(context, game));
    const auto code = TRY(at_each(places, [&](run::Place& place) -> Result<void> {
        all.list.push_back(TRY(propose(context, game.config(), place)));
        const auto& retention = all.list.back().retention;
        going += (going.empty() ? "" : "|") + join(retention.going(), ",");
        all.removed += retention.going().size();
        for (const auto& concern : retention.concerns)
            all.concerns.push_back(places.size() > 1 ? place.name + ": " + concern : concern);
        return {};
    }));
    all.everywhere = code == 0;
    all.code = to_hex(crypto::sha256(going)).substr(0, 6);
    return all;
}

Value json_of(const Proposal& proposal, std::string_view state, const std::string& code) {
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
                       { "confirm", concerns.empty() ? Value() : Value(code) } };
}

Value json_of(const Proposals& all, std::string_view state) {
    if (all.list.size() == 1)
        return json_of(all.list.front(), state, all.code);
    Value::List list;
    for (const auto& proposal : all.list) {
        auto map = *json_of(proposal, state, all.code).map();
        map.emplace("location", proposal.place->name);
        list.push_back(std::move(map));
    }
    return Value::Map{ { "state", state },
                       { "locations", std::move(list) },
                       { "removed", static_cast<std::int64_t>(all.removed) },
                       { "concerns", Value::List(all.concerns.begin(), all.concerns.end()) },
                       { "confirm", all.concerns.empty() ? Value() : Value(all.code) } };
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
Result<bool> may_go_on(const Context& context, const Proposals& all) {
    if (!all.concerns.empty()) {
        if (context.typed.value("--confirm") == all.code)
            return true;
        return Error{ .kind = Kind::needs_person,
                      .why = all.concerns.front(),
                      .fix = fmt::format(
                          "nothing was removed; if it is right: respawn cleanup{} --confirm {}",
                          context.typed.has("--plan") ? " --plan " + context.typed.value("--plan") : "",
                          all.code) };
    }
    if (context.typed.has("--yes") || context.typed.has("--confirm"))
        return true;
    return ask(fmt::format("Remove {}?", counted(all.removed, "backup")), "respawn cleanup --yes");
}

void say_done(const Proposals& all, Duration grace) {
    std::uint64_t freed = 0;
    for (const auto& proposal : all.list)
        freed += proposal.freed_bytes;
    say(fmt::format("removed {}; within {} they can be brought back: respawn undelete ID",
                    counted(all.removed, "backup"), human_duration(grace)));
    say(fmt::format("{} are freed after that by: respawn prune", human_size(freed)));
}

Result<int> carry_out(const Proposals& all) {
    std::vector<run::Place*> places;
    for (const auto& proposal : all.list)
        if (!proposal.freed.empty())
            places.push_back(proposal.place);
    return at_each(places, [&](run::Place& place) {
        const auto own = std::ranges::find(all.list, &place, &Proposal::place);
        return place.vault->remove(own->retention.going(), "cleanup");
    });
}

// Records of runs that are too old: nothing of the game hangs on them.
Result<void> remove_old_records(const Context& context, run::Game& game) {
    const auto keep = game.config().keep_runs;
    const auto before = now() + -keep;
    if (context.typed.has("--dry-run")) {
        if (!context.json)
            say(fmt::format("Records of runs that ended before {} would go as well (keep_runs).",
                            to_rfc3339(before, true)));
        return {};
    }
    const auto removed = TRY(TRY(game.journal())->remove_ended(before));
    if (removed > 0 && !context.json)
        say(fmt::format("removed the records of {} that ended more than {} ago (keep_runs)",
                        counted(static_cast<std::uint64_t>(removed), "run"), human_duration(keep)));
    return {};
}

Result<int> clean_up(const Context& context) {
    auto game = TRY(context.game(config::Strictness::strict));
    if (context.typed.has("--plan") && game.config().plan(context.typed.value("--plan")) == nullptr)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("there is no plan '{}' in the configuration",
                                         printable(context.typed.value("--plan"))),
                      .fix = "respawn cleanup without --plan looks at all backups" };
    const auto all = TRY(propose_all(context, game));
    const bool nothing = all.removed == 0, dry = context.typed.has("--dry-run");
    for (const auto& proposal : all.list)
        if (!context.json) {
            if (all.list.size() > 1)
                say(painted(proposal.place->name, Colour::bold));
            show(proposal);
        }
    if (!context.typed.has("--plan") && !context.typed.has("--from"))
        TRY(remove_old_records(context, game));
    if (nothing || dry) {
        if (context.json)
            say_json(json_of(all, nothing ? "not_needed" : "dry_run"));
        else
            say(dry ? "Nothing was removed: this was a dry run." : "There is nothing to remove.");
        return all.everywhere ? 0 : 3;
    }
    const auto answer = may_go_on(context, all);
    if (!answer.ok() && context.json && answer.error().kind == Kind::needs_person) {
        say_json(json_of(all, "waits")); // one value, not an error behind it
        tell(error_text(answer.error()));
        return 5;
    }
    if (!TRY(answer)) {
        say("Nothing was removed.");
        return 5;
    }
    const auto code = TRY(carry_out(all));
    if (context.json)
        say_json(json_of(all, "done"));
    else
        say_done(all, game.config().grace);
    return all.everywhere ? code : 3;
}

} // namespace

extern const Verb cleanup = {
    .name = "cleanup",
    .summary = "Removes the backups that no rule keeps any longer, after showing them.",
    .options = { { .name = "--from", .value = "NAME", .doc = "this location; all when left out" },
                 { .name = "--plan", .value = "PLAN", .doc = "only the backups of this plan" },
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
