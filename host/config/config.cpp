#include "config/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>

#include "base/text.h"
#include "config/check.h"
#include "config/size.h"
#include "config/yaml.h"

namespace respawn::config {

namespace {

// From here on the document has been checked: what is there has its type.
std::string text_at(const Node& node, std::string_view name, std::string_view otherwise = {}) {
    const auto* found = node.find(name);
    return found == nullptr ? std::string(otherwise) : found->text;
}

std::int64_t number_of(const std::string& text) {
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

const std::vector<Node>& children_of(const Node& node, std::string_view name) {
    static const std::vector<Node> none;
    const auto* found = node.find(name);
    return found == nullptr ? none : found->children;
}

// A text alone, or each text of a list.
std::vector<std::string> texts_at(const Node& node, std::string_view name) {
    std::vector<std::string> texts;
    const auto* found = node.find(name);
    if (found != nullptr && found->shape == Node::Shape::text)
        texts.push_back(found->text);
    for (const auto& item : children_of(node, name))
        texts.push_back(item.text);
    return texts;
}

class Builder {
  public:
    Builder(const Node& root, Config& config) : root_(root), config_(config) {
        std::error_code ignored; // without a current folder paths stay as they are
        folder_ = std::filesystem::absolute(config.file, ignored).parent_path();
    }

    void build() {
        config_.game = text_at(root_, "game");
        config_.environment = text_at(root_, "environment");
        config_.state = path_of(text_at(root_, "state", ".respawn"));
        const auto& vault = *root_.find("vault");
        if (const auto* passphrase = vault.find("passphrase"))
            config_.passphrase = passphrase->secret;
        else
            config_.key_file = path_of(text_at(vault, "key_file"));
        for (const auto& node : children_of(*root_.find("vault"), "locations"))
            config_.locations.push_back({ text_at(node, "name"), url_of(text_at(node, "url")) });
        if (const auto kept = parse_duration(text_at(root_, "keep_runs")); kept.ok())
            config_.keep_runs = kept.value();
        if (const auto grace = parse_duration(text_at(*root_.find("vault"), "grace")); grace.ok())
            config_.grace = grace.value();
        for (const auto& node : children_of(*root_.find("vault"), "keep"))
            config_.keep[node.key] = keep_of(node);
        config_.scratch = config_.state;
        if (const auto* scratch = root_.find("scratch"); scratch && scratch->find("folder"))
            config_.scratch = path_of(text_at(*scratch, "folder"));
        for (const auto& node : children_of(root_, "scratch"))
            if (node.key != "folder")
                config_.scratch_servers.push_back(scratch_of(node));
        if (const auto* journal = root_.find("journal"))
            config_.journal = journal_of(*journal);
        if (const auto* services = root_.find("services"))
            config_.services = services_of(*services);
        for (const auto& text : texts_at(root_, "runbooks"))
            config_.runbooks.push_back(path_of(text));
        for (const auto& node : children_of(root_, "components"))
            config_.components.push_back(component_of(node));
        for (const auto& node : children_of(root_, "plans"))
            config_.plans.push_back(plan_of(node));
        for (const auto& node : children_of(root_, "alerts"))
            config_.alerts.push_back(alert_of(node));
        for (const auto& node : children_of(root_, "chains"))
            config_.chains.push_back(chain_of(node));
    }

  private:
    io::Path path_of(const std::string& text) const { return (folder_ / text).lexically_normal(); }

    std::string url_of(const std::string& url) const {
        return url.starts_with("file://") || url.starts_with("memory:") ? url : path_of(url).string();
    }

    ComponentSettings component_of(const Node& node) const {
        ComponentSettings component{ .name = node.key, .kind = text_at(node, "kind") };
        if (const auto path = text_at(node, "path"); !path.empty())
            component.path = path_of(path);
        for (const auto& text : texts_at(node, "paths"))
            component.paths.push_back(path_of(text));
        component.exclude = texts_at(node, "exclude");
        component.url = text_at(node, "url");
        component.reader = text_at(node, "reader");
        component.tls = text_at(node, "tls");
        for (const auto& rule : children_of(node, "rules"))
            component.rules.push_back(rule_of(rule));
        if (const auto path = text_at(node, "tls_ca"); !path.empty())
            component.tls_ca = path_of(path);
        if (const auto* password = node.find("password"))
            component.password = password->secret;
        if (const auto* password = node.find("reader_password"))
            component.reader_password = password->secret;
        return component;
    }

    ScratchServer scratch_of(const Node& node) const {
        ScratchServer scratch{ .server = component_of(node), .most_bytes = {} };
        scratch.server.kind = "mariadb";
        scratch.most_bytes = parse_size(text_at(node, "most"));
        return scratch;
    }

    JournalSettings journal_of(const Node& node) const {
        JournalSettings journal{ .server = component_of(node) };
        journal.server.kind = "postgres";
        if (const auto lease = parse_duration(text_at(node, "lease")); lease.ok())
            journal.lease = lease.value();
        return journal;
    }

    io::Path path_at(const Node& node, std::string_view name, const io::Path& otherwise) const {
        const auto text = text_at(node, name);
        return text.empty() ? otherwise : path_of(text);
    }

    static std::optional<Duration> duration_at(const Node& node, std::string_view name) {
        const auto span = parse_duration(text_at(node, name));
        return span.ok() ? std::optional(span.value()) : std::nullopt;
    }

    UnitSettings unit_of(const Node& services, const std::string& name) const {
        UnitSettings unit{ .name = name };
        const auto* found = services.find(name);
        const Node none;
        const auto& node = found == nullptr ? none : *found;
        unit.needs = texts_at(node, "needs");
        if (const auto* health = node.find("health"))
            unit.health = { text_at(*health, "url"), text_at(*health, "tcp"),
                            texts_at(*health, "command") };
        unit.start_within = duration_at(node, "start_within").value_or(unit.start_within);
        unit.settle = duration_at(node, "settle").value_or(unit.settle);
        unit.stop_within = duration_at(node, "stop_within").value_or(unit.stop_within);
        unit.kill_after = duration_at(node, "kill_after");
        unit.command = texts_at(node, "command");
        unit.folder = path_at(node, "folder", folder_);
        unit.log = path_at(node, "log", {});
        return unit;
    }

    // What a unit needs stands before it; beyond that the order of the file holds.
    static void put_in_order(const UnitSettings& unit, const std::vector<UnitSettings>& all,
                             std::vector<UnitSettings>& ordered) {
        const auto has = [&](const std::string& name) {
            return std::ranges::any_of(ordered, [&](const auto& one) { return one.name == name; });
        };
        for (const auto& need : unit.needs)
            for (const auto& one : all)
                if (one.name == need && !has(need))
                    put_in_order(one, all, ordered);
        if (!has(unit.name))
            ordered.push_back(unit);
    }

    ServiceSettings services_of(const Node& node) const {
        ServiceSettings services{ .manager = text_at(node, "manager"),
                                  .core = texts_at(node, "core"),
                                  .command = texts_at(node, "command") };
        std::vector<UnitSettings> units;
        for (const auto& name : texts_at(node, "units"))
            units.push_back(unit_of(node, name));
        for (const auto& unit : units)
            put_in_order(unit, units, services.units);
        const bool runit = services.manager == "runit";
        services.folder = path_at(node, "folder", runit ? "/etc/service" : config_.state / "services");
        services.socket = path_at(node, "socket", "/run/supervisor.sock");
        services.login = text_at(node, "login");
        if (const auto* password = node.find("password"))
            services.password = password->secret;
        return services;
    }

    static std::optional<std::string> optional_at(const Node& node, std::string_view name) {
        const auto* found = node.find(name);
        return found == nullptr ? std::nullopt : std::optional(found->text);
    }

    static Expected expected_of(const Node& node) {
        Expected expected{ .equals = optional_at(node, "equals"),
                           .between = texts_at(node, "between"),
                           .within = {} };
        if (const auto share = text_at(node, "within"); !share.empty())
            expected.within = std::strtod(share.c_str(), nullptr) / 100;
        return expected;
    }

    static RuleSettings rule_of(const Node& node) {
        return { .table = text_at(node, "table"),
                 .column = text_at(node, "column"),
                 .min = optional_at(node, "min"),
                 .max = optional_at(node, "max"),
                 .pattern = text_at(node, "pattern"),
                 .not_after = text_at(node, "not_after"),
                 .sql = text_at(node, "sql"),
                 .expected = expected_of(node) };
    }

    static KeepSettings keep_of(const Node& node) {
        KeepSettings keep;
        for (const auto& count : node.children)
            keep[count.key] = number_of(count.text);
        return keep;
    }

    static PlanSettings plan_of(const Node& node) {
        PlanSettings plan{ .name = node.key, .type = text_at(node, "type", "manual") };
        for (const auto& item : children_of(node, "components"))
            plan.components.push_back(item.text);
        plan.tables = texts_at(node, "tables");
        plan.at = text_at(node, "at");
        plan.every = text_at(node, "every");
        if (const auto* keep = node.find("keep"))
            plan.keep = keep_of(*keep);
        for (const auto& check : children_of(node, "checks"))
            plan.checks.push_back({ text_at(check, "name"), text_at(check, "component"),
                                    text_at(check, "sql"), expected_of(check) });
        return plan;
    }

    AlertSettings alert_of(const Node& node) const {
        AlertSettings alert{ .name = node.key, .kind = text_at(node, "kind") };
        if (const auto path = text_at(node, "path"); !path.empty())
            alert.path = path_of(path);
        if (const auto* url = node.find("url"))
            alert.url = url->secret;
        return alert;
    }

    static ChainSettings chain_of(const Node& node) {
        ChainSettings chain{ .name = node.key };
        const auto* urls = node.find("urls");
        if (urls->shape == Node::Shape::text)
            chain.urls.push_back(urls->secret);
        for (const auto& url : urls->children)
            chain.urls.push_back(url.secret);
        if (const auto* id = node.find("chain_id"))
            chain.chain_id = number_of(id->text);
        chain.confirmations = number_of(text_at(node, "confirmations", "12"));
        for (const auto& address : children_of(node, "addresses"))
            chain.addresses[address.key] = address.text;
        return chain;
    }

    const Node& root_;
    Config& config_;
    io::Path folder_;
};

template <class Settings>
const Settings* named(const std::vector<Settings>& all, std::string_view name) {
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
    return found == all.end() ? nullptr : &*found;
}

Result<Config> read(const io::Path& file, Strictness strictness) {
    const auto text = TRY(io::read_file(file, most_bytes));
    Config config;
    config.file = file;
    Check check(file, strictness, config.warnings);
    Node root;
    Mistake wrong;
    if (!parse_yaml(text, root, wrong))
        return check.mistake(wrong.place, wrong.why);
    TRY(check.run(root));
    Builder(root, config).build();
    return config;
}

} // namespace

const ComponentSettings* Config::component(std::string_view name) const {
    return named(components, name);
}
const PlanSettings* Config::plan(std::string_view name) const { return named(plans, name); }
const UnitSettings* ServiceSettings::unit(std::string_view name) const { return named(units, name); }

bool is_unit_name(std::string_view name) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("@._:-").find(c) != std::string_view::npos;
    };
    return !name.empty() && name.size() <= 200 && name[0] != '-' && name[0] != '.' &&
           std::ranges::all_of(name, allowed);
}

const ScratchServer* Config::scratch_server(std::string_view component) const {
    const auto found = std::ranges::find_if(
        scratch_servers, [&](const auto& one) { return one.server.name == component; });
    return found == scratch_servers.end() ? nullptr : &*found;
}

Result<io::Path> find_config(const std::optional<io::Path>& given) {
    const char* variable = std::getenv("RESPAWN_CONFIG");
    std::vector<io::Path> places = { "respawn.yaml", "/etc/respawn/respawn.yaml" };
    if (given)
        places = { *given };
    else if (variable != nullptr && *variable != '\0')
        places = { variable };
    std::vector<std::string> tried;
    for (const auto& place : places) {
        if (io::is_there(place))
            return place;
        tried.push_back(printable(place.string()));
    }
    return Error{ .kind = Kind::missing,
                  .what = "find the configuration",
                  .why = fmt::format("there is no {}", join(tried, " and no ")),
                  .fix = "make one with: respawn init (or name one with --config FILE)" };
}

Result<Config> read_config(const io::Path& file, Strictness strictness) {
    return read(file, strictness).while_doing("read the configuration");
}

} // namespace respawn::config
