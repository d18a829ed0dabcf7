// Runs test files (runbooks/…_test.lua), several at once, each in a process of its own.
#pragma once

#include "testkit/kit.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace respawn::testkit {

using Each = std::function<void(const TestResult&)>;

// One file, in this process, which must hold no database open and have no threads. A file that does not
// load, or ends in the middle of a test, is a failed test; an Error is one that could not be begun.
Result<Covered> run_test_file(const std::string& name, const Stage& stage, const Each& each);

// All of them, `at_once` processes at a time, the largest files first. Results come from one thread,
// file by file in the order of the names: those of the first file that has not ended as they are known.
Result<Covered> run_test_files(const std::vector<std::string>& names, const Stage& stage,
                               std::size_t at_once, const Each& each);

} // namespace respawn::testkit
