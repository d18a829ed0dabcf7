// A YAML document as a tree that knows where each part stands. Of YAML it takes maps, lists and texts;
// no aliases, merge keys or tags, so that a short file is never a large tree.
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>
#include <vector>

namespace respawn::config {

struct Place {
    int line = 1, column = 1;
};

struct Node {
    enum class Shape { nothing, text, list, map };
    Shape shape = Shape::nothing;
    Place place;
    std::string text;
    bool quoted = false;
    std::vector<Node> children; // of a list or a map, in the order of the file
    std::string key;            // of a map's child
    Place key_place;
    Secret secret; // what a reference stands for, once it was looked up

    const Node* find(std::string_view name) const;
};

inline constexpr std::size_t most_bytes = 1024 * 1024;
inline constexpr std::size_t most_depth = 16;

// A mistake and where it is; the caller knows the file's name.
struct Mistake {
    Place place;
    std::string why;
};

// `mistake` says what was wrong when false is returned. An empty document is Shape::nothing.
bool parse_yaml(const std::string& text, Node& root, Mistake& mistake);

} // namespace respawn::config
