#include "base/text.h"
#include "cli/rehearse_flow.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<run::Request> request_from(const Context& context) {
    run::Request request{ .runbook = context.typed.value("RUNBOOK"),
                          .parameters = {},
                          .operator_name = operator_name(),
                          .reason = context.typed.value("--reason"),
                          .confirmation = context.typed.value("--confirm") };
    for (const auto& typed : context.typed.values("NAME=VALUE")) {
        const auto equals = typed.find('=');
        if (equals == std::string::npos || equals == 0)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("'{}' is no parameter", printable(typed)),
                          .fix = "write NAME=VALUE, for example duel=4711" };
        if (!request.parameters.emplace(typed.substr(0, equals), typed.substr(equals + 1)).second)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("parameter {} is given twice",
                                             printable(typed.substr(0, equals))) };
    }
    return request;
}

std::string shown(const run::Request& request) {
    auto text = request.runbook;
    for (const auto& [name, value] : request.parameters)
        text += fmt::format(" {}={}", name, value);
    return text;
}

Result<int> run_runbook(const Context& context) {
    auto request = TRY(request_from(context));
    const auto headline = shown(request);
    const RunCommand command{ .request = std::move(request),
                              .text = "respawn run " + headline,
                              .shown = headline };
    return TRY(is_rehearsal(context)) ? rehearse(context, command) : plan_and_perform(context, command);
}

} // namespace

extern const Verb run_verb = {
    .name = "run",
    .summary = "Runs a recovery procedure: first shows what it would do, then asks.",
    .arguments = { { .name = "RUNBOOK",
                     .doc = "its name (wox/stuck_duel) or a file",
                     .required = true },
                   { .name = "NAME=VALUE",
                     .doc = "its parameters",
                     .required = false,
                     .repeated = true } },
    .options = with_rehearsing(with_run_options({})),
    .details =
        "Without a terminal and without --yes or --plan it shows the dry run and ends with exit 5.\n"
        "A rehearsal that does not pass is exit 4, or that of its error (docs/rehearsing.md).",
    .example = "respawn run wox/stuck_duel duel=4711 --dry-run",
    .run = run_runbook,
};

} // namespace respawn::cli
