// Runs every rule over a file. A comment `-- lint: allow RULE (reason)` in the line or the one above
// silences a finding; one that silences nothing is a finding itself.
#pragma once

#include "lint/rule.h"

namespace respawn::lint {

// All rules there are, in the order of the reference.
const std::vector<const Rule*>& all_rules();

// What is wrong with a file, by line. `source` holds its text under its own name.
std::vector<Finding> lint(const run::Source& source, const run::Folders& folders,
                          const run::Primitives& primitives);

// docs/reference/lint.md
std::string rules_page();

} // namespace respawn::lint
