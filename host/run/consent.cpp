#include "run/consent.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::run {

namespace {

Error missing(std::string why, std::string fix) {
    return { .kind = Kind::needs_person, .why = std::move(why), .fix = std::move(fix) };
}

} // namespace

Result<void> must_be_agreed(const Description& runbook, const Request& request,
                            const journal::PlanRecord& plan, journal::Journal& journal) {
    const auto hash = plan.hash.substr(0, 12);
    if (runbook.reason && trimmed(request.reason).empty())
        return missing("this runbook wants a reason for the journal; nothing was done",
                       fmt::format("add --reason \"…\" --plan {}", hash));
    if (!runbook.confirm.empty() && request.confirmation != runbook.confirm)
        return missing(
            fmt::format("this runbook wants its confirmation code, {}; nothing was done",
                        request.confirmation.empty() ? "and none was given" : "and another was given"),
            fmt::format("read the plan again; then add --confirm {} --plan {}",
                        printable(runbook.confirm), hash));
    if (runbook.approvals == 0)
        return {};
    const auto given = TRY(approvals_for(plan, request.operator_name, journal));
    if (given >= runbook.approvals)
        return {};
    return missing(
        fmt::format("this runbook needs the approval of {} besides its operator, and {} gave "
                    "one that holds; nothing was done",
                    runbook.approvals == 1 ? "a person" : fmt::format("{} people", runbook.approvals),
                    given == 0 ? "nobody" : fmt::format("{}", given)),
        fmt::format("somebody else looks at it and types: respawn approve {0}; then the same "
                    "command with --plan {0}",
                    hash));
}

Result<std::int64_t> approvals_for(const journal::PlanRecord& plan, std::string_view operator_name,
                                   journal::Journal& journal) {
    const auto all = TRY(journal.approvals(plan.hash));
    return std::count_if(all.begin(), all.end(), [&](const journal::ApprovalRecord& one) {
        return one.holds && one.approver != operator_name;
    });
}

Result<void> approve(const journal::PlanRecord& plan, const journal::ApprovalRecord& approval,
                     journal::Journal& journal) {
    if (!plan.used_by.empty())
        return Error{ .kind = Kind::conflict,
                      .why = fmt::format("plan {} was used by run {}", plan.hash.substr(0, 12),
                                         plan.used_by),
                      .fix = fmt::format("respawn runs show {}", plan.used_by) };
    if (approval.approver == plan.operator_name)
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("{} made this plan and cannot approve it{}",
                                         printable(approval.approver),
                                         approval.approver == "root" ? ": both logins are root" : ""),
                      .fix = "somebody else has to look at it, with a login of their own" };
    return journal.approve(approval);
}

} // namespace respawn::run
