#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value json_of(const journal::AuditReport& report) {
    return Value::Map{ { "entries", report.entries },
                       { "head", report.head },
                       { "faults", Value::List(report.faults.begin(), report.faults.end()) },
                       { "more_faults", report.more_faults },
                       { "holds", report.faults.empty() } };
}

Result<int> verify_audit(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    const auto report = TRY(TRY(game.journal())->audit(context.typed.value("--head")));
    if (context.json)
        say_json(json_of(report));
    for (const auto& fault : report.faults)
        if (!context.json)
            say(painted("CHANGED ", Colour::red) + fault);
    const auto faults = report.more_faults + static_cast<std::int64_t>(report.faults.size());
    if (faults > 0)
        return Error{ .kind = Kind::failed_check,
                      .what = "trust the journal",
                      .on = {},
                      .why = fmt::format("{} not as respawn wrote {}",
                                         faults == 1 ? "1 record is"
                                                     : fmt::format("{} records are", faults),
                                         faults == 1 ? "it" : "them"),
                      .fix = "compare it with the journal of a backup: respawn ls latest "
                             "respawn-journal" };
    if (!context.json) {
        say(fmt::format("The journal is as respawn wrote it: {} in one chain.",
                        counted(static_cast<std::uint64_t>(report.entries), "record")));
        say(fmt::format("Keep this elsewhere, to prove later that nothing before it was taken away:\n"
                        "  respawn audit verify --head {}",
                        report.head));
    }
    return 0;
}

} // namespace

extern const Verb audit_verify = {
    .name = "audit verify",
    .summary = "Looks whether anybody but respawn has changed, added or removed records of runs.",
    .options = { { .name = "--head",
                   .value = "HEAD",
                   .doc = "a head that an earlier audit gave: must lie in the chain" } },
    .details =
        "Every record of a run is sealed to the one before it under a key of the vault's. Exit 4 "
        "when one does not agree.",
    .example = "respawn audit verify",
    .run = verify_audit,
};

} // namespace respawn::cli
