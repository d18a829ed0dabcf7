// Another program whose output is read as it comes.
#pragma once

#include "base/result.h"
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

} // namespace respawn::io
