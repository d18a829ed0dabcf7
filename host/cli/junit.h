// Test results as JUnit XML, which Jenkins, GitLab and others read.
#pragma once

#include "testkit/kit.h"

#include <string>
#include <vector>

namespace respawn::cli {

// A suite for each file, in the order in which the files come first.
std::string junit_xml(const std::vector<testkit::TestResult>& results);

} // namespace respawn::cli
