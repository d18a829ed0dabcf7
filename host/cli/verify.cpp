#include "run/verify.h"

#include "base/text.h"
#include "cli/opening.h"
#include "cli/output.h"
#include "run/expectation.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

std::string outcome_text(const run::CheckOutcome& check) {
    if (!check.error.empty())
        return painted("FAILED", Colour::red) + "  " + printable(check.error);
    const auto expected = run::to_text(check.check.expected);
    auto text =
        fmt::format("{} ({}{})", printable(run::plain_text(check.found)), expected,
                    check.before.is_null() ? "" : ": " + printable(run::plain_text(check.before)));
    return (check.passed ? "ok  " : painted("FAILED", Colour::red) + "  ") + text;
}

void show(const run::Verification& done) {
    Table table({ "what", "name", "time", "outcome" });
    const auto time = [](std::int64_t span) { return human_duration(Duration(span)); };
    for (const auto& copy : done.copies)
        table.add({ "restore", copy.component, time(copy.duration),
                    copy.error.empty()
                        ? fmt::format("ok  {}, {}", human_size(copy.size_bytes),
                                      copy.kind == "files" ? counted(copy.files, "file") : copy.kind)
                        : painted(copy.left_out ? "LEFT OUT" : "FAILED", Colour::red) + "  " +
                              printable(copy.error) });
    for (const auto& check : done.checks)
        table.add({ "check", printable(check.check.name), time(check.duration), outcome_text(check) });
    for (const auto& rule : done.rules)
        table.add({ "rule", rule.component, "-",
                    (rule.held() ? "ok  " : painted("BROKEN", Colour::red) + "  ") + to_text(rule) });
    say(table.text());
    for (const auto& copy : done.copies)
        for (const auto& note : copy.notes)
            say(fmt::format("  {}: {}", copy.component, printable(note)));
    if (!done.passed() && !done.tells())
        return say(fmt::format("{}: of snapshot {} not everything could be brought back",
                               painted("NOT PROVEN", Colour::red), done.snapshot));
    say(fmt::format("{}: snapshot {} came back in {}, {}, {}",
                    done.passed() ? painted("proven", Colour::green) : painted("FAILED", Colour::red),
                    done.snapshot, time(done.restore_duration()), counted(done.checks.size(), "check"),
                    counted(done.rules.size(), "rule")));
    if (done.checks.empty() && done.rules.empty())
        tell("nothing was asked of it: write checks: into its plan (docs/verifying.md)");
}

// At every location that answers; the vault that was named, without a configuration.
Result<void> keep_proof(OpenVault& source, const vault::Proof& proof) {
    if (!source.game)
        return source.vault->add_proof(proof);
    auto& places = *TRY(source.game->places());
    std::optional<Error> fault;
    std::size_t kept = 0;
    for (auto& place : places.all()) {
        auto vault = places.open(place);
        const auto added = vault.ok() ? vault.value()->add_proof(proof) : Result<void>(vault.error());
        if (added.ok())
            ++kept;
        else
            fault = added.error();
    }
    return kept == 0 && fault ? Result<void>(*fault) : Result<void>();
}

Result<run::Verification> verify_one(const Context& context, OpenVault& source,
                                     const run::VerifyRequest& request) {
    std::optional<ProgressBar> bar;
    std::string shown;
    return run::verify(*source.vault, source.game ? &source.game->config() : nullptr, request,
                       context.cancel,
                       [&](const std::string& component, std::uint64_t done, std::uint64_t total) {
                           if (component != std::exchange(shown, component))
                               bar.emplace("verifying " + component);
                           bar->show(done, total);
                       });
}

Result<int> verify_backup(const Context& context) {
    auto source = TRY(open_vault(context));
    const auto plan = context.typed.value("--plan");
    const auto name =
        context.typed.value("BACKUP", plan.empty() ? "latest" : std::string("latest:") + plan);
    run::VerifyRequest request{ .snapshot = TRY(named_snapshot(source, name)),
                                .plan = plan,
                                .scratch = {} };
    std::optional<io::TemporaryFolder> folder;
    if (source.game)
        request.scratch = source.game->config().scratch;
    else
        request.scratch = folder.emplace(TRY(io::TemporaryFolder::make())).path();
    const auto done =
        TRY(verify_one(context, source, request).while_doing("verify the backup", request.snapshot.id));
    const auto kept = done.tells() ? keep_proof(source, proof_of(done)) : Result<void>();
    if (context.json)
        say_json(to_value(done));
    else
        show(done);
    if (!kept.ok())
        tell("warning: the proof could not be kept: " + printable(kept.error().why));
    return done.passed() ? 0 : 4;
}

} // namespace

extern const Verb verify = {
    .name = "verify",
    .summary =
        "Proves a backup: brings it back to a scratch place, asks it the checks of its plan, drops "
        "it again.",
    .arguments = { { .name = "BACKUP",
                     .doc = "an id, a prefix of one, latest, latest:PLAN or @TIME; latest when left "
                            "out" } },
    .options = with_opening({ { .name = "--plan",
                                .value = "PLAN",
                                .doc = "the checks of this plan, and its latest backup when none is "
                                       "named" } }),
    .details =
        "Exit 4 when a component did not come back as it was or was left out, or a check or rule does "
        "not hold. The "
        "proof is kept in the vault;\n`list`, `show` and `status` tell of it. docs/verifying.md has "
        "checks, rules and the JSON.",
    .example = "respawn verify latest:daily",
    .run = verify_backup,
};

} // namespace respawn::cli
