// A verb of the command line is one definition in one file: its help, its checks and its page in
// docs/reference are made from it.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "config/config.h"
#include "run/engine.h"
#include "run/game.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::cli {

struct Argument {
    std::string_view name; // "BACKUP"
    std::string_view doc;
    bool required = false;
    bool repeated = false;
};

struct Option {
    std::string_view name;       // "--plan"
    std::string_view value = {}; // "HASH"; empty for a flag
    std::string_view doc;
    bool repeated = false;
    bool value_optional = false; // --read-data or --read-data=10%
};

// What was typed, checked against the definition.
class Typed {
  public:
    bool has(std::string_view name) const;
    std::string value(std::string_view name, std::string_view otherwise = {}) const;
    std::vector<std::string> values(std::string_view name) const;
    void add(std::string_view name, std::string value);

  private:
    std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

// What every verb gets.
struct Context {
    const Typed& typed;
    const run::Primitives& primitives;
    const Cancellation& cancel;
    bool json = false;

    // The configuration named by --config, or found.
    Result<config::Config> config(config::Strictness strictness) const;
    Result<run::Game> game(config::Strictness strictness) const;
    run::Folders folders(const config::Config& config) const;
};

struct Verb {
    std::string_view name; // "runs show"
    std::string_view summary;
    std::vector<Argument> arguments = {};
    std::vector<Option> options = {};
    std::string_view details = {}; // what --help says besides
    std::string_view example;
    Result<int> (*run)(const Context& context); // the exit code
};

const std::vector<const Verb*>& verbs();

// --help of a verb, and of the program.
std::string help_of(const Verb& verb);
std::string help_of_all();

// Finds the verb and reads its arguments; Kind::usage with the nearest known word.
struct Command {
    const Verb* verb = nullptr;
    Typed typed;
    bool help = false;
};
Result<Command> read_command(const std::vector<std::string>& words);

// Makes a restore that was killed again, from its run in the journal: what `resume` does with one.
Result<int> restore_again(const Context& context, run::Game game, const journal::RunRecord& run);

// The login user: who is written into journals and approves plans. The one that the kernel saw log in;
// where it saw nobody, the user of the process, and the person behind sudo.
std::string operator_name();

} // namespace respawn::cli
