// Lua 5.4 as a tree. Every part is a Node of one shape, so that whoever looks for something walks them
// all alike. The tree of any text is bounded: at most `most_levels` deep.
#pragma once

#include "lint/tokens.h"

#include <functional>

namespace respawn::lint {

enum class Form {
    // expressions
    nil,
    truth,    // text: true or false
    number,   // text: as written
    text,     // text: what it stands for
    varargs,  // ...
    name,     // text
    index,    // parts: the table, the key
    call,     // parts: the function, arguments
    method,   // text: its name; parts: the object, arguments
    unary,    // text: the operator; parts: one
    binary,   // text: the operator; parts: two
    function, // parts: list (of names, and varargs), block
    table,    // parts: item, named and keyed
    item,     // parts: the value
    named,    // text: the key; parts: the value
    keyed,    // parts: the key, the value
    // statements
    block,      // parts: statements
    local,      // parts: list of names, list of values; text: "close" for <close>
    assign,     // parts: list of targets, list of values
    statement,  // parts: a call
    repetition, // text: "while" or "repeat"; parts: the condition, block
    condition,  // parts: condition, block, condition, block …, and the else's block
    loop,       // text: "=" or "in"; parts: list of names, list of values, block
    leave,      // return; parts: values
    stop,       // break
    jump,       // goto; text
    label,      // text
    list,       // names or values together
};

struct Node {
    Form form = Form::nil;
    int line = 0;
    std::string text = {};
    std::vector<Node> parts = {};
    int levels = 1;        // of the tree below, itself included
    bool enclosed = false; // stands in parentheses
};

inline constexpr int most_levels = 300;

// What a text is. With a fault the tree is what was read before it, and not to be judged.
struct Tree {
    Node root; // a block
    std::vector<Comment> comments;
    std::optional<Fault> fault;
};
Tree read_tree(std::string_view source);

// Each node, those outside first; what is below one for which `look` gives false is left out.
void each(const Node& node, const std::function<bool(const Node&)>& look);
// Whether both say the same.
bool same(const Node& left, const Node& right);

} // namespace respawn::lint
