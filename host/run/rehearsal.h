// Rehearsals: how one is made, and how runs look back at them. A live run may need one, and is shown
// beside the last.
#pragma once

#include "journal/journal.h"

#include "run/runbook.h"
#include <functional>

namespace respawn::run {

struct Rehearsing {
    // As a person names one; empty: the newest good one that holds what is touched.
    std::string backup = {};
    // Goes on where a `require` does not hold: to rehearse a repair on data that is well.
    bool regardless = false;
    // Of making the copies.
    std::function<void(const std::string& component, std::uint64_t done, std::uint64_t total)>
        progress = {};
};

// Kind::needs_person when the runbook requires a rehearsal and none of the plan's source has passed
// lately; the fix is the command that makes one, with the parameters as they were typed.
Result<void> must_be_rehearsed(const Description& runbook,
                               const std::map<std::string, std::string>& typed,
                               const journal::PlanRecord& plan, journal::Journal& journal);

// The newest rehearsal of the same source with the same parameters, beside what a run did or would do.
struct Beside {
    std::string rehearsal; // id
    Moment began;
    bool passed = false;
    std::vector<std::string> differences; // a line each, for a person; none: as rehearsed
};
// Nothing when there is none.
Result<std::optional<Beside>> find_beside(journal::Journal& journal, const journal::PlanRecord& plan);
Result<std::optional<Beside>> find_beside(journal::Journal& journal, const journal::RunRecord& run);

// Rows have moved since, so that effects are compared by what they are, in which order, to which tables
// and how many rows; messages by their words without numbers. Where the effects end with what a dry run
// could not know, what was rehearsed behind that is passed over.
std::vector<std::string> differences_from_rehearsal(const Value& rehearsed, const Value& effects);

Value to_value(const Beside& beside);

} // namespace respawn::run
