// What rules look at: a file, the modules it requires, the test beside it, the primitives there are,
// and what each phase of a runbook reaches through functions and modules.
#pragma once

#include "lint/script.h"
#include "run/primitive.h"
#include "run/runbook.h"

namespace respawn::lint {

// What a file is; each rule is for some of them.
enum Files : unsigned {
    runbooks = 1,
    modules = 2,
    tests = 4,
    scripts = runbooks | modules, // what a run consists of
    any_file = scripts | tests,
};

inline constexpr std::string_view phase_names[] = { "diagnose", "backup", "repair", "verify",
                                                    "notify" };

// A place where a script names a primitive: respawn.sql { … }, respawn.sql(…), pcall(respawn.sql, …).
struct Mention {
    std::string name;
    const run::Primitive* primitive = nullptr; // null when there is none of this name
    const Node* node = nullptr;                // respawn.NAME
    const Node* call = nullptr;                // where it is called
    std::vector<const Node*> arguments;
    const Script* script = nullptr;
    int line = 0;        // in the file that is looked at
    std::string through; // the function of a module that makes the call: "duels.find"
};

// What a function makes happen, itself and through the functions it names.
struct Reach {
    std::vector<Mention> mentions;
    std::vector<const Node*> functions; // all of them, of all files
    bool has_effects() const;
    bool names(std::string_view primitive) const;
};

class Subject {
  public:
    // Reads what the file requires, from its own folder and from stdlib.
    Subject(const run::Source& source, const run::Folders& folders, const run::Primitives& primitives);

    Files kind() const { return kind_; }
    const Script& script() const { return *script_; }
    const run::Primitives& primitives() const { return primitives_; }
    // A module that some file requires; null when it cannot be read.
    const Script* module(const std::string& name) const;
    // Why a module cannot be read; empty when it can.
    std::string why_missing(const std::string& name) const;

    // All primitives that this file names, and what it reaches from anywhere in it.
    const std::vector<Mention>& mentions() const { return mentions_; }
    const Reach& everything() const { return everything_; }
    // What a phase reaches; nothing when the runbook does not have it.
    const Reach& phase(std::string_view name) const;
    // A runbook that changes something outside its run.
    bool has_effects() const { return kind_ == runbooks && everything_.has_effects(); }
    // Whether it uses `respawn` in a way that hides what is called: respawn[name], f(respawn).
    bool is_dynamic() const { return dynamic_; }
    // The testing kit, which has primitives of its own.
    bool is_kit() const { return script_->name().ends_with("stdlib/testing"); }
    // The test beside a runbook; null when there is none, or it does not parse.
    const Script* test() const { return test_ && !test_->fault() ? test_.get() : nullptr; }
    bool has_test() const { return test_ != nullptr; }
    // The globals that a file of its kind is given.
    const std::set<std::string>& known_globals() const { return known_globals_; }
    // respawn itself, or a local that is it.
    bool is_respawn(const Script& script, const Node& node) const;

  private:
    friend class Reacher;
    void load_modules(const Script& script, const run::Source& source, const run::Folders& folders);
    void find_known_globals(const run::Source& source, const run::Folders& folders);
    void find_dynamic(const Node& node);
    std::vector<Mention> mentions_in(const Script& script, const Node& node) const;

    std::unique_ptr<Script> script_, test_;
    std::map<std::string, std::unique_ptr<Script>> modules_;
    std::map<std::string, std::string> missing_;
    const run::Primitives& primitives_;
    Files kind_ = modules;
    std::vector<Mention> mentions_;
    Reach everything_;
    std::map<std::string, Reach, std::less<>> phases_;
    std::set<std::string> known_globals_;
    bool dynamic_ = false;
};

} // namespace respawn::lint
