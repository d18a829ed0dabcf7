#include "config/check.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <regex.h>

#include "base/text.h"
#include "base/time.h"
#include "config/secret.h"
#include "config/size.h"

namespace respawn::config {

namespace {

std::string_view shape_text(Node::Shape shape) {
    switch (shape) {
    case Node::Shape::nothing:
        return "nothing";
    case Node::Shape::text:
        return "a text";
    case Node::Shape::list:
        return "a list";
    case Node::Shape::map:
        return "a section";
    }
    return "nothing";
}

// Foreign words in an error: short, and without control characters.
std::string word(std::string_view text) {
    return text.size() <= 40 ? printable(text) : printable(text.substr(0, 37)) + "…";
}

bool all_of(std::string_view text, bool (*holds)(char)) {
    return !text.empty() && std::all_of(text.begin(), text.end(), holds);
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_name_character(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' ||
           c == '.';
}
bool is_name(std::string_view text) {
    return text.size() <= 64 && all_of(text, is_name_character) && text[0] != '.' && text[0] != '-';
}

bool is_count(std::string_view text, std::int64_t least) {
    std::int64_t number = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    return fault == std::errc() && end == text.data() + text.size() && number >= least;
}

bool is_time_of_day(std::string_view text) {
    if (text.size() != 5 || text[2] != ':' || !all_of(text.substr(0, 2), is_digit) ||
        !all_of(text.substr(3), is_digit))
        return false;
    return text.substr(0, 2) < "24" && text.substr(3) < "60";
}

bool is_period(std::string_view text) {
    if (text == "hourly" || text == "daily" || text == "weekly")
        return true;
    const auto span = parse_duration(text);
    return span.ok() && span.value() >= std::chrono::minutes(1);
}

bool is_duration(std::string_view text) {
    const auto span = parse_duration(text);
    return span.ok() && span.value() >= Duration::zero();
}

std::string_view authority_of(std::string_view url) {
    url.remove_prefix(std::min(url.size(), url.find("://") + 3));
    return url.substr(0, url.find_first_of("/?#"));
}

bool is_server_url(std::string_view text) {
    const auto authority = authority_of(text);
    const auto login = authority.substr(0, authority.find('@'));
    const bool password =
        authority.find('@') != std::string_view::npos && login.find(':') != std::string_view::npos;
    return text.find("://") != std::string_view::npos && !authority.empty() && !password;
}

bool is_web_url(std::string_view text) {
    return (text.starts_with("http://") || text.starts_with("https://")) &&
           !authority_of(text).empty() && authority_of(text).find('@') == std::string_view::npos;
}

bool is_plain_text(std::string_view text) { return !text.empty() && !looks_like_reference(text); }

bool is_number(std::string_view text) {
    if (text.starts_with('-') || text.starts_with('+'))
        text.remove_prefix(1);
    const auto point = std::min(text.find('.'), text.size());
    const auto behind = text.substr(std::min(point + 1, text.size()));
    return all_of(text.substr(0, point), is_digit) &&
           (point == text.size() || all_of(behind, is_digit));
}

bool is_share(std::string_view text) {
    return text.ends_with('%') && is_number(text.substr(0, text.size() - 1)) && !text.starts_with('-');
}

bool is_pattern(std::string_view text) {
    regex_t compiled;
    if (text.empty() || ::regcomp(&compiled, std::string(text).c_str(), REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    ::regfree(&compiled);
    return true;
}

bool fits(Type type, std::string_view text) {
    switch (type) {
    case Type::value:
        return !looks_like_reference(text);
    case Type::number:
    case Type::numbers:
        return is_number(text);
    case Type::share:
        return is_share(text);
    case Type::pattern:
        return is_pattern(text);
    case Type::moment:
        return text == "now" || parse_moment(text, now()).ok();
    case Type::count:
        return is_count(text, 0);
    case Type::depth:
        return is_count(text, 1);
    case Type::time_of_day:
        return is_time_of_day(text);
    case Type::period:
        return is_period(text);
    case Type::duration:
        return is_duration(text);
    case Type::server_url:
        return is_server_url(text);
    case Type::size:
        return parse_size(text).has_value();
    case Type::address:
        return text.size() == 42 && text.starts_with("0x") && all_of(text.substr(2), is_hex);
    default:
        return is_plain_text(text);
    }
}

bool takes_list(Type type) {
    return type == Type::paths || type == Type::texts || type == Type::components ||
           type == Type::endpoints || type == Type::numbers;
}

// A section without kinds has all its keys.
bool belongs(const Key& key, std::string_view kind) { return kind.empty() || has_kind(key, kind); }

std::vector<std::string> known_names(const std::string& section, std::string_view kind) {
    std::vector<std::string> names;
    for (const auto& key : all_keys())
        if (key.section == section && key.name != "*" && belongs(key, kind))
            names.emplace_back(key.name);
    return names;
}

// The section's path one step down: an entry of a named list is "*".
std::string below(const std::string& path, const Key& key) {
    return path.empty() ? std::string(key.name) : fmt::format("{}.{}", path, key.name);
}

} // namespace

std::string Check::at(Place place) const {
    return fmt::format("{}:{}:{}", printable(file_.string()), place.line, place.column);
}

Error Check::mistake(Place place, std::string why, std::string fix) const {
    return { .kind = Kind::usage, .why = fmt::format("{}: {}", at(place), why), .fix = std::move(fix) };
}

void Check::warn(Place place, const std::string& what) {
    warnings_.push_back(fmt::format("{}: {}", at(place), what));
}

bool Check::passed_over(const Error& error, Need need) {
    if (strictness_ == Strictness::strict || need == Need::required || need == Need::essential)
        return false;
    warnings_.push_back(error.why + " (left out)");
    return true;
}

Result<void> Check::run(Node& root) {
    if (root.shape == Node::Shape::nothing)
        root.shape = Node::Shape::map;
    TRY(section(root, ""));
    TRY(one_vault_key(root));
    TRY(location_names(root));
    TRY(kept_types(root));
    readers(root);
    TRY(rules(root));
    TRY(scratch(root));
    TRY(services(root));
    return plans(root);
}

Result<void> Check::section(Node& node, const std::string& path) {
    if (node.shape != Node::Shape::map)
        return mistake(node.place,
                       fmt::format("here belong keys and values, not {}", shape_text(node.shape)));
    const auto kind = TRY(kind_of(node, path));
    std::vector<Node> sound; // those before it, for what is written twice
    for (auto& child : node.children) {
        const auto held = entry(child, path, kind, sound);
        const auto* key = find_key(path, child.key);
        if (held.ok() && key != nullptr)
            sound.push_back(std::move(child));
        else if (!held.ok() && !passed_over(held.error(), key != nullptr ? key->need : Need::optional))
            return held.error();
    }
    node.children = std::move(sound);
    return nothing_missing(node, path, kind);
}

// The kind of an entry decides which keys it has, so it is looked at first.
Result<std::string> Check::kind_of(const Node& node, const std::string& path) const {
    const auto* key = find_key(path, "kind");
    if (key == nullptr || key->name != "kind")
        return std::string();
    const auto* kind = node.find("kind");
    if (kind == nullptr)
        return mistake(node.place, "the key 'kind' is missing here",
                       fmt::format("write kind: {}", key->choices));
    TRY(choice(*kind, *key));
    return kind->text;
}

Result<void> Check::entry(Node& child, const std::string& path, std::string_view kind,
                          const std::vector<Node>& siblings) {
    for (const auto& sibling : siblings)
        if (sibling.key == child.key)
            return mistake(child.key_place, fmt::format("'{}' is written twice, first in line {}",
                                                        word(child.key), sibling.key_place.line));
    const auto* key = find_key(path, child.key);
    if (key == nullptr || !belongs(*key, kind))
        return unknown(child, path, kind);
    if (key->name == "*" && !is_name(child.key) && !(path == "services" && is_unit_name(child.key)))
        return mistake(child.key_place, fmt::format("'{}' is no name", word(child.key)),
                       "use letters, digits, '_', '-' and '.'");
    if (path == "components" && child.key.starts_with(own_prefix))
        return mistake(child.key_place,
                       fmt::format("names that begin with '{}' are respawn's own", own_prefix),
                       "give the component another name");
    TRY(value(child, *key, path));
    if (key->need == Need::not_yet)
        warn(child.key_place, fmt::format("'{}' is not used by this version yet", child.key));
    return {};
}

Result<void> Check::unknown(const Node& child, const std::string& path, std::string_view kind) {
    const auto near = nearest(child.key, known_names(path, kind));
    auto why = fmt::format("unknown key '{}'", word(child.key));
    if (!near.empty())
        why += fmt::format("; did you mean '{}'?", near);
    else
        why += fmt::format("; known here: {}", join(known_names(path, kind), ", "));
    return mistake(child.key_place, std::move(why));
}

Result<void> Check::nothing_missing(const Node& node, const std::string& path,
                                    std::string_view kind) const {
    for (const auto& key : all_keys())
        if (key.section == path && key.need == Need::required && key.name != "*" &&
            has_kind(key, kind) && node.find(key.name) == nullptr)
            return mistake(node.place,
                           fmt::format("the key '{}' is missing here ({})", key.name, key.doc));
    return {};
}

Result<void> Check::value(Node& node, const Key& key, const std::string& path) {
    if (key.type == Type::section || key.type == Type::sections) {
        if (key.need == Need::required && node.children.empty())
            return mistake(node.place, fmt::format("'{}' must not be empty ({})", node.key, key.doc));
        return key.type == Type::section ? section(node, below(path, key)) : sections(node, key, path);
    }
    if (key.type == Type::server)
        return server(node, key, path);
    if (key.type == Type::numbers && node.shape != Node::Shape::list)
        return mistake(node.place, fmt::format("'{}' must be {}, not {}", node.key, type_text(key.type),
                                               shape_text(node.shape)));
    return takes_list(key.type) && node.shape == Node::Shape::list ? each(node, key) : one(node, key);
}

Result<void> Check::sections(Node& node, const Key& key, const std::string& path) {
    if (node.shape != Node::Shape::list)
        return mistake(node.place, fmt::format("'{}' must be a list (- …), not {}", node.key,
                                               shape_text(node.shape)));
    std::vector<Node> sound;
    for (auto& item : node.children) {
        const auto held = section(item, below(path, key));
        const bool last_hope = sound.empty() && &item == &node.children.back();
        if (held.ok())
            sound.push_back(std::move(item));
        else if (!passed_over(held.error(), last_hope ? Need::required : Need::optional))
            return held.error();
    }
    node.children = std::move(sound);
    return {};
}

// The URL alone becomes the section that it stands for.
Result<void> Check::server(Node& node, const Key& key, const std::string& path) {
    if (node.shape == Node::Shape::text) {
        Node url = node;
        url.key = "url";
        node.children = { std::move(url) };
        node.shape = Node::Shape::map;
    }
    return section(node, below(path, key));
}

Result<void> Check::each(Node& node, const Key& key) {
    if (key.type == Type::numbers && node.children.size() != 2)
        return mistake(node.place, fmt::format("'{}' must be {}", node.key, type_text(key.type)));
    if (node.children.empty())
        return mistake(node.place, fmt::format("'{}' must not be empty", node.key));
    for (auto& item : node.children) {
        item.key = node.key;
        TRY(one(item, key));
    }
    return {};
}

Result<void> Check::one(Node& node, const Key& key) {
    const bool number = key.type == Type::count || key.type == Type::depth;
    if (node.shape != Node::Shape::text || (number && node.quoted))
        return mistake(node.place, fmt::format("'{}' must be {}, not {}", node.key, type_text(key.type),
                                               shape_text(node.shape)));
    if (key.type == Type::choice)
        return choice(node, key);
    if (key.type == Type::location_url)
        return location(node);
    if (key.type == Type::secret || (key.type == Type::endpoints && !is_web_url(node.text)))
        return secret(node);
    if (key.type == Type::endpoints)
        node.secret = Secret("url", node.text);
    else if (!fits(key.type, node.text))
        return mistake(
            node.place, fmt::format("'{}' must be {}", node.key, type_text(key.type)),
            looks_like_reference(node.text) ? "references are read where a secret belongs only" : "");
    return {};
}

Result<void> Check::choice(const Node& node, const Key& key) const {
    const auto known = words_of(key.choices), later = words_of(key.later);
    if (node.shape != Node::Shape::text)
        return mistake(node.place, fmt::format("'{}' must be one of {}", node.key, join(known, ", ")));
    if (std::find(known.begin(), known.end(), node.text) != known.end())
        return {};
    if (std::find(later.begin(), later.end(), node.text) != later.end()) {
        auto error = mistake(node.place, fmt::format("{} '{}' is not in this version; it has {}",
                                                     key.label, node.text, join(known, ", ")));
        error.kind = Kind::unsupported;
        return error;
    }
    const auto near = nearest(node.text, known);
    return mistake(node.place, near.empty() ? fmt::format("'{}' is no {}; known: {}", word(node.text),
                                                          key.label, join(known, ", "))
                                            : fmt::format("'{}' is no {}; did you mean '{}'?",
                                                          word(node.text), key.label, near));
}

Result<void> Check::location(const Node& node) const {
    const std::string_view url = node.text;
    for (const auto scheme : { "s3://", "azure://", "gs://", "gcs://" })
        if (url.starts_with(scheme)) {
            auto error =
                mistake(node.place, fmt::format("locations of {} are not in this version; it has "
                                                "folders (file:///path)",
                                                scheme));
            error.kind = Kind::unsupported;
            return error;
        }
    const auto rest = url.substr(url.find("://") == std::string_view::npos ? 0 : url.find("://") + 3);
    const bool folder =
        url.starts_with("file:///") || (rest.size() == url.size() && is_plain_text(url));
    if (!folder)
        return mistake(node.place, fmt::format("'url' must be {}", type_text(Type::location_url)));
    return {};
}

Result<void> Check::secret(Node& node) {
    std::string warning;
    auto found = look_up(node.text, file_.parent_path(), warning);
    if (!found.ok())
        return mistake(node.place, fmt::format("'{}': {}", node.key, found.error().why),
                       found.error().fix);
    if (!warning.empty())
        warn(node.place, warning);
    node.secret = std::move(found).value();
    return {};
}

Result<void> Check::one_vault_key(const Node& root) const {
    const auto& vault = *root.find("vault");
    const auto* passphrase = vault.find("passphrase");
    if (passphrase != nullptr && vault.find("key_file") != nullptr)
        return mistake(passphrase->key_place, "a vault has a 'key_file' or a 'passphrase', not both",
                       "keep the one that this machine opens the vault with");
    if (passphrase == nullptr && vault.find("key_file") == nullptr)
        return mistake(vault.place, "the key 'key_file' is missing here, or 'passphrase' instead of it",
                       "write key_file: PATH; `openssl rand -hex 32` or `respawn init` makes one");
    return {};
}

Result<void> Check::location_names(const Node& root) const {
    const auto& locations = root.find("vault")->find("locations")->children;
    for (std::size_t i = 0; i < locations.size(); ++i)
        for (std::size_t earlier = 0; earlier < i; ++earlier)
            if (locations[i].find("name")->text == locations[earlier].find("name")->text)
                return mistake(locations[i].find("name")->place,
                               fmt::format("two locations are called '{}'",
                                           word(locations[i].find("name")->text)));
    return {};
}

Result<void> Check::kept_types(const Node& root) const {
    const auto* keep = root.find("vault")->find("keep");
    const auto known = words_of(snapshot_types);
    for (const auto& type : keep == nullptr ? std::vector<Node>() : keep->children)
        if (std::ranges::find(known, type.key) == known.end()) {
            const auto near = nearest(type.key, known);
            return mistake(type.place, fmt::format("there is no snapshot type '{}'", word(type.key)),
                           near.empty() ? "there is: " + join(known, ", ")
                                        : fmt::format("did you mean '{}'?", near));
        }
    return {};
}

// Unwise, and no mistake: a text that only reads goes through a login that can write.
void Check::readers(const Node& root) {
    for (const auto& component : root.find("components")->children)
        if (component.find("url") != nullptr && component.find("reader") == nullptr)
            warn(component.key_place,
                 fmt::format(
                     "'{}' has no reader: what runbooks look up goes through the login that writes",
                     component.key));
}

Result<void> Check::keep_sound(Node& part, const std::function<Result<void>(const Node&)>& check) {
    std::vector<Node> sound;
    for (auto& child : part.children) {
        const auto held = check(child);
        if (held.ok())
            sound.push_back(std::move(child));
        else if (!passed_over(held.error(), Need::optional))
            return held.error();
    }
    part.children = std::move(sound);
    return {};
}

Result<void> Check::plans(Node& root) {
    const auto* components = root.find("components");
    for (auto& part : root.children) {
        if (part.key != "plans")
            continue;
        TRY(keep_sound(part, [&](const Node& child) { return plan(child, *components); }));
    }
    return {};
}

Result<void> Check::plan(const Node& plan, const Node& components) const {
    const auto* wanted = plan.find("components");
    std::vector<std::string> known;
    for (const auto& component : components.children)
        known.push_back(component.key);
    if (wanted->shape == Node::Shape::text && wanted->text != "all")
        return mistake(wanted->place, "'components' must be all, or a list of components ([a, b])");
    for (const auto& name : wanted->children)
        if (components.find(name.text) == nullptr) {
            const auto near = nearest(name.text, known);
            return mistake(name.place,
                           fmt::format("there is no component '{}'{}", word(name.text),
                                       near.empty() ? "" : "; did you mean '" + near + "'?"));
        }
    if (const auto* every = plan.find("every"); every != nullptr && plan.find("at") != nullptr)
        return mistake(every->key_place, "a plan has 'at' or 'every', not both");
    return plan_checks(plan, components);
}

Result<void> Check::plan_checks(const Node& plan, const Node& components) const {
    const auto* checks = plan.find("checks");
    for (const auto& check : checks == nullptr ? std::vector<Node>() : checks->children) {
        int ways = 0;
        for (const auto* way : { "equals", "between", "within" })
            ways += check.find(way) != nullptr ? 1 : 0;
        if (ways != 1)
            return mistake(check.place, "a check has one of 'equals', 'between' and 'within'");
        const auto* component = check.find("component");
        if (component != nullptr && components.find(component->text) == nullptr)
            return mistake(component->place,
                           fmt::format("there is no component '{}'", word(component->text)));
    }
    return {};
}

Result<void> Check::scratch(Node& root) {
    const auto* components = root.find("components");
    for (auto& part : root.children) {
        if (part.key != "scratch")
            continue;
        TRY(keep_sound(part, [&](const Node& child) {
            return child.key == "folder" ? Result<void>() : scratch_server(child, *components);
        }));
    }
    return {};
}

Result<void> Check::scratch_server(const Node& node, const Node& components) const {
    std::vector<std::string> known = { "folder" };
    for (const auto& component : components.children)
        known.push_back(component.key);
    const auto* component = components.find(node.key);
    const auto near = nearest(node.key, known);
    if (component == nullptr)
        return mistake(node.key_place,
                       fmt::format("there is no component '{}'{}", word(node.key),
                                   near.empty() ? "" : "; did you mean '" + near + "'?"));
    const auto& kind = component->find("kind")->text;
    if (kind != "mariadb")
        return mistake(node.key_place,
                       fmt::format("'{}' is of kind {}, which is copied to no server", node.key, kind),
                       "copies of files and SQLite go into scratch: { folder: PATH }");
    return {};
}

Result<void> Check::rules(const Node& root) const {
    for (const auto& component : root.find("components")->children)
        if (const auto* rules = component.find("rules"))
            for (const auto& one : rules->children)
                TRY(rule(one));
    return {};
}

Result<void> Check::rule(const Node& rule) const {
    const auto has = [&](const char* name) { return rule.find(name) != nullptr; };
    if (has("sql") && (has("table") || has("column") || has("min") || has("max") || has("pattern") ||
                       has("not_after")))
        return mistake(rule.place, "a rule with 'sql' has 'equals' or 'between' besides, nothing else");
    if (has("sql"))
        return has("equals") != has("between")
                   ? Result<void>()
                   : mistake(rule.place, "a rule with 'sql' has one of 'equals' and 'between'");
    if (!has("table") || !has("column"))
        return mistake(rule.place, "a rule has 'table' and 'column', or 'sql'");
    if (has("equals"))
        return mistake(rule.find("equals")->key_place, "'equals' belongs to a rule with 'sql'");
    if (!has("min") && !has("max") && !has("between") && !has("pattern") && !has("not_after"))
        return mistake(rule.place,
                       "a rule says what holds: 'min', 'max', 'between', 'pattern' or 'not_after'");
    return {};
}

} // namespace respawn::config
