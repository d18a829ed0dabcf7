// Holds a document against the table of keys, and looks its secrets up.
#pragma once

#include "config/config.h"
#include "config/keys.h"
#include "config/yaml.h"

#include <functional>

namespace respawn::config {

class Check {
  public:
    Check(const io::Path& file, Strictness strictness, std::vector<std::string>& warnings)
        : file_(file), strictness_(strictness), warnings_(warnings) {}

    // Afterwards all that is left in the document is known, of the right type, and complete. The first
    // mistake is the Error; lenient, entries with a mistake are taken out and a warning says so.
    Result<void> run(Node& root);
    Error mistake(Place place, std::string why, std::string fix = {}) const;

  private:
    Result<void> section(Node& node, const std::string& path);
    Result<void> entry(Node& child, const std::string& path, std::string_view kind,
                       const std::vector<Node>& siblings);
    Result<void> sections(Node& node, const Key& key, const std::string& path);
    Result<void> server(Node& node, const Key& key, const std::string& path);
    Result<std::string> kind_of(const Node& node, const std::string& path) const;
    Result<void> unknown(const Node& child, const std::string& path, std::string_view kind);
    Result<void> nothing_missing(const Node& node, const std::string& path,
                                 std::string_view kind) const;
    Result<void> value(Node& node, const Key& key, const std::string& path);
    Result<void> each(Node& node, const Key& key);
    Result<void> one(Node& node, const Key& key);
    Result<void> choice(const Node& node, const Key& key) const;
    Result<void> location(const Node& node) const;
    Result<void> secret(Node& node);
    void readers(const Node& root);
    Result<void> plans(Node& root);
    Result<void> plan(const Node& plan, const Node& components) const;
    Result<void> plan_checks(const Node& plan, const Node& components) const;
    Result<void> rules(const Node& root) const;
    Result<void> rule(const Node& rule) const;
    Result<void> scratch(Node& root);
    Result<void> services(Node& root);
    Result<void> sound_services(const Node& services) const;
    Result<void> unit(const Node& services, const Node& node, std::string_view manager) const;
    Result<void> known_units(const Node& names, const Node& services) const;
    Result<void> health(const Node& health) const;
    Result<void> no_circle(const Node& services) const;
    Result<void> keys_of_kind(const Node& node, std::string_view path, std::string_view manager) const;
    Result<void> scratch_server(const Node& node, const Node& components) const;
    Result<void> one_vault_key(const Node& root) const;
    Result<void> location_names(const Node& root) const;
    Result<void> kept_types(const Node& root) const;
    // Lenient and not essential: a warning instead of the Error.
    bool passed_over(const Error& error, Need need);
    // Children that are not sound are passed over where that is enough, and left out.
    Result<void> keep_sound(Node& part, const std::function<Result<void>(const Node&)>& check);
    void warn(Place place, const std::string& what);
    std::string at(Place place) const;

    const io::Path& file_;
    Strictness strictness_;
    std::vector<std::string>& warnings_;
};

} // namespace respawn::config
