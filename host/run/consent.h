// What a runbook asks of people before a live run may begin: a code typed by its operator, a reason,
// and the approval of others, bound to the plan that they saw.
#pragma once

#include "run/engine.h"

namespace respawn::run {

// How long an approval holds when nobody says otherwise, and at most.
constexpr Duration approval_span = std::chrono::hours(1), longest_approval = std::chrono::hours(24 * 7);

// Kind::needs_person names what is missing and how to give it.
Result<void> must_be_agreed(const Description& runbook, const Request& request,
                            const journal::PlanRecord& plan, journal::Journal& journal);

// How many approvals of a plan hold for a run that this person starts.
Result<std::int64_t> approvals_for(const journal::PlanRecord& plan, std::string_view operator_name,
                                   journal::Journal& journal);

// Keeps an approval. Kind::denied for the plan's own requester, and between two who are both root: root
// can be anybody. Kind::conflict for a plan that was used.
Result<void> approve(const journal::PlanRecord& plan, const journal::ApprovalRecord& approval,
                     journal::Journal& journal);

} // namespace respawn::run
