// Other programs: one whose output is read as it comes, and one that is run to its end.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "base/time.h"
#include "io/stream.h"

#include <memory>
#include <string>
#include <vector>

namespace respawn::io {

struct Program {
    std::string name; // looked for in PATH
    // Neither arguments nor environment are for secrets: others on the machine see the first.
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    // The content of a file that has no name and that the program alone opens, as hidden_file.
    std::string hidden;
};
inline constexpr std::string_view hidden_file = "/dev/fd/3";

// Its standard output. A program that fails makes the last read an Error with the end of what it wrote
// to standard error; one that is not read to its end is stopped. Kind::missing when it is not there.
Result<std::unique_ptr<Source>> run_program(const Program& program);

// How a program ended. Of what it wrote the first 64 KiB are kept.
struct Ended {
    int status = 0; // its exit code; 128 and the signal when it was killed
    std::string output, faults;
};
// Runs it to its end, which is an Ended however it ends. Kind::timeout when it takes longer, and
// Kind::cancelled: then it and what it has started in its process group are killed.
Result<Ended> run_to_end(const Program& program, Duration deadline, const Cancellation& cancel);

} // namespace respawn::io
