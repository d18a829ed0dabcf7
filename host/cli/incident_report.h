// A run as an incident report in Markdown: what a team files, mails and reads again.
#pragma once

#include "journal/journal.h"

namespace respawn::cli {

// Whole and by itself: who, when, why, what was changed row by row, the timeline, what is still open.
// Texts of players and of scripts are escaped, so that they stay text.
std::string incident_report(const journal::RunRecord& run,
                            const std::vector<journal::CallRecord>& calls);

} // namespace respawn::cli
