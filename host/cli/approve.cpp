#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"
#include "cli/verb.h"
#include "run/consent.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

void show_plan(const Context& context, const run::Game& game, const journal::PlanRecord& plan) {
    say(fmt::format("{}  {} {}  on {} ({})", painted("PLAN " + plan.hash.substr(0, 12), Colour::bold),
                    plan.runbook, plan.version, game.config().game, game.config().environment));
    say(fmt::format("    made by {}, {}; parameters {}", printable(plan.operator_name),
                    age_of(plan.made.microseconds), to_text(plan.parameters)));
    for (const auto& line : planned_lines(context.primitives, plan.effects))
        say("    " + line);
}

Result<Duration> span_of(const Context& context) {
    if (!context.typed.has("--for"))
        return run::approval_span;
    const auto span = parse_duration(context.typed.value("--for"));
    if (!span.ok() || span.value().count() <= 0 || span.value() > run::longest_approval)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("'{}' is no time that an approval can hold",
                                         printable(context.typed.value("--for"))),
                      .fix = "write 30m or 8h; at most 7d" };
    return span.value();
}

Result<int> give_approval(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto* journal = TRY(game.journal());
    const auto plan = TRY(journal->plan(context.typed.value("PLAN")));
    const auto span = TRY(span_of(context));
    show_plan(context, game, plan);
    if (!context.typed.has("--yes") &&
        !TRY(ask(fmt::format("Approve it as {}?", operator_name()),
                 fmt::format("respawn approve {} --yes", plan.hash.substr(0, 12))))) {
        say("It is not approved.");
        return 5;
    }
    const auto made = now();
    TRY(run::approve(plan,
                     { .plan = plan.hash,
                       .requester = plan.operator_name,
                       .approver = operator_name(),
                       .reason = context.typed.value("--reason"),
                       .made = made,
                       .expires = made + span,
                       .used_by = {} },
                     *journal));
    say(fmt::format("Approved by {} for {}; one run uses it up. {} goes on with: the same command and "
                    "--plan {}",
                    operator_name(), human_duration(span), printable(plan.operator_name),
                    plan.hash.substr(0, 12)));
    return 0;
}

} // namespace

extern const Verb approve = {
    .name = "approve",
    .summary = "Shows a plan that somebody else made, and approves it: for runbooks with `approvals`.",
    .arguments = { { .name = "PLAN",
                     .doc = "its hash, as the dry run gave it, or its first 6 digits at least",
                     .required = true } },
    .options = { { .name = "--for",
                   .value = "TIME",
                   .doc = "how long it holds: 1h when left out, 7d at most" },
                 { .name = "--reason", .value = "TEXT", .doc = "why, for the journal" },
                 { .name = "--yes", .doc = "do it without asking" } },
    .details =
        "You are the login user; the one who made the plan cannot approve it. An approval is for "
        "exactly what the\n"
        "plan shows: when the facts move, the plan is another one.",
    .example = "respawn approve 3f9a1c7e2b40",
    .run = give_approval,
};

} // namespace respawn::cli
