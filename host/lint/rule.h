// A rule of the linter is data: what it is called, which files it looks at, what is wrong, how it is
// cured, and the function that finds it.
#pragma once

#include "lint/subject.h"

namespace respawn::lint {

enum class Severity { warning, error };

struct Rule;

struct Finding {
    std::string file; // wox/stuck_duel.lua
    int line = 0;
    const Rule* rule = nullptr;
    std::string text, cure;
};

// Where a rule writes down what it finds.
class Findings {
  public:
    Findings(const Rule& rule, std::string file, std::vector<Finding>& all)
        : rule_(rule), file_(std::move(file)), all_(all) {}
    // The rule's own cure, unless a nearer one is known.
    void add(int line, std::string text, std::string cure = {});

  private:
    const Rule& rule_;
    std::string file_;
    std::vector<Finding>& all_;
};

struct Rule {
    std::string_view name; // undeclared-capability
    Severity severity = Severity::error;
    Files files = any_file;
    std::string_view wrong; // a sentence for the reference
    std::string_view cure;
    void (*look)(const Subject& subject, Findings& findings) = nullptr; // null: lint itself finds it
};

using Rules = std::vector<Rule>;

// One list a file.
const Rules& file_rules();     // what lint itself finds: syntax, comments that allow
const Rules& language_rules(); // Lua
const Rules& name_rules();     // locals, globals, modules
const Rules& table_rules();    // the runbook's table
const Rules& case_rules();     // parameters and what goes from phase to phase
const Rules& phase_rules();    // what a phase may do
const Rules& call_rules();     // arguments of primitives
const Rules& sql_rules();
const Rules& change_rules(); // what respawn.write is given, and money
const Rules& test_rules();

} // namespace respawn::lint
