// One file with its names resolved: which local a name is, what is global, what the file returns and
// requires. Nodes and locals stay where they are as long as the Script lives.
#pragma once

#include "lint/tree.h"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>

namespace respawn::lint {

struct Local {
    enum class Kind { variable, function, parameter, counter }; // counter: of a loop
    std::string name;
    int line = 0;
    Kind kind = Kind::variable;
    const Node* value = nullptr;      // what it is declared as, where that can be told
    const Node* belongs_to = nullptr; // of a parameter: its function
    const Local* hides = nullptr;     // of the same name
    int reads = 0, writes = 0;        // without the declaration
};

// A name that no local has.
struct Global {
    const Node* node = nullptr;
    bool written = false;
};

class Script {
  public:
    Script(std::string name, std::string_view source);
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    const std::string& name() const { return name_; } // wox/stuck_duel, stdlib.duels
    const Node& root() const { return tree_.root; }
    const std::vector<Comment>& comments() const { return tree_.comments; }
    const std::optional<Fault>& fault() const { return tree_.fault; }

    const std::deque<Local>& locals() const { return locals_; }
    const std::vector<Global>& globals() const { return globals_; }
    // The local that a name stands for, or null.
    const Local* local_of(const Node& name) const;
    bool is_global(const Node& node, std::string_view name) const;
    // What a node is when names that are assigned only once stand for what they were declared as.
    const Node& meant(const Node& node) const;
    // A text that is known beforehand; texts put together by .. among them.
    std::optional<std::string> text_of(const Node& node) const;
    // The items of the table that a node is; none where it is no table.
    const std::vector<Node>& items_of(const Node& node) const;
    // The module that a node is: `require "stdlib.duels"`, or a local that is; empty otherwise.
    std::string module_of(const Node& node) const;

    // What the file returns, when that is a table or a local that is one.
    const Node* returned() const { return returned_; }
    // The functions and other fields of what it returns, by name.
    const std::map<std::string, const Node*>& functions() const { return functions_; }
    const std::map<std::string, const Node*>& fields() const { return fields_; }
    // The functions in the order in which they are written.
    const std::vector<std::string>& written_functions() const { return written_functions_; }
    // Whether a node is what the file returns, by its name.
    bool is_returned(const Node& node) const;
    // The modules it requires: each call of require, in order.
    const std::vector<const Node*>& requirements() const { return requirements_; }

  private:
    friend class Resolver;
    std::optional<std::string> text_within(const Node& node, int& steps) const;
    void find_returned();
    void note_field(const std::string& key, const Node& value);
    void find_fields();

    std::string name_;
    Tree tree_;
    std::deque<Local> locals_;
    std::vector<Global> globals_;
    std::unordered_map<const Node*, const Local*> local_of_;
    const Node* returned_ = nullptr;
    const Local* returned_local_ = nullptr;
    std::map<std::string, const Node*> functions_, fields_;
    std::vector<std::string> written_functions_;
    std::vector<const Node*> requirements_;
};

// The parameters and the body of a function.
const std::vector<Node>& parameters_of(const Node& function);
const Node& body_of(const Node& function);
// The field that an index node names by a text, or empty.
std::string_view key_of(const Node& index);
// "case.duel", "respawn.sql": names joined by points, or empty.
std::string dotted(const Node& node);

} // namespace respawn::lint
