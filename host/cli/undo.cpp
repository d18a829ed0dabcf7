#include "cli/run_flow.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Result<int> undo_run(const Context& context) {
    const auto run = context.typed.value("RUN");
    run::Request request{ .runbook = "rows/undo",
                          .parameters = { { "run", run } },
                          .operator_name = operator_name(),
                          .reason = context.typed.value("--reason") };
    if (context.typed.has("--leave-out"))
        request.parameters.emplace("leave_out", "true");
    return plan_and_perform(
        context, { .request = std::move(request),
                   .text = fmt::format("respawn undo {}{}", run,
                                       context.typed.has("--leave-out") ? " --leave-out" : ""),
                   .shown = "undo of run " + run });
}

} // namespace

extern const Verb undo = {
    .name = "undo",
    .summary = "Takes back the rows that a run changed: first shows what it would do, then asks.",
    .arguments = { { .name = "RUN", .doc = "its id, or the beginning of it", .required = true } },
    .options = with_run_options(
        { { .name = "--leave-out",
            .doc = "take back the others where some rows have moved since (else nothing is done)" } }),
    .details =
        "Rows that are still as the run left them become what they were before it, in one transaction "
        "a database. What the run did besides (messages, restores, backups) stays. An undo is a run "
        "itself: it can be undone.",
    .example = "respawn undo 01JD3 --dry-run",
    .run = undo_run,
};

} // namespace respawn::cli
