#include "run/runbook.h"

#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <functional>

namespace respawn::run {

namespace {

const std::vector<std::string> known_phases = { "diagnose", "backup", "repair", "verify", "notify" };
const std::vector<std::string> known_fields = { "version", "summary",  "params",  "uses",
                                                "target",  "deadline", "rto",     "approvals",
                                                "confirm", "reason",   "requires" };
const std::vector<std::string> known_uses = { "vault.read", "vault.write", "sql.read", "sql.write",
                                              "files.read", "files.write", "service",  "chain",
                                              "http",       "notify",      "lockdown", "redis.read",
                                              "redis.write" };
const std::vector<std::string> known_types = { "integer", "text", "boolean", "real", "list" };
constexpr std::string_view rehearsal_word = "rehearsal";
constexpr Duration usually_lately = std::chrono::hours(7 * 24);
const std::vector<std::string> known_param_fields = { "type", "doc", "fallback", "optional" };

bool is_one_of(std::string_view word, const std::vector<std::string>& known) {
    return std::find(known.begin(), known.end(), word) != known.end();
}

std::string suggestion(std::string_view word, const std::vector<std::string>& known) {
    const auto near = nearest(word, known);
    return near.empty() ? fmt::format("; there are {}", join(known, ", "))
                        : fmt::format("; did you mean '{}'?", near);
}

bool in_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

// Whether `text` at `at` names `key` as a field or a function: "key =" or "key(", not a part of a word.
bool is_named_at(std::string_view text, std::size_t at, std::string_view key) {
    if (at > 0 && in_word(text[at - 1]))
        return false;
    const auto rest = trimmed(text.substr(at + key.size(), 20));
    const bool assigned = rest.starts_with("=") && !rest.starts_with("==");
    return assigned || rest.starts_with("(") || rest.starts_with("\"]");
}

// "wox/stuck_duel.lua:5: ", with the line that seems to be about the key; without one, the file.
std::string place_of(const Source& source, std::string_view key) {
    const auto main = source.modules.find(source.main);
    const std::string_view text = main == source.modules.end() ? std::string_view() : main->second;
    for (auto at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1))
        if (is_named_at(text, at, key))
            return fmt::format(
                "{}.lua:{}: ", source.name,
                1 + std::count(text.begin(), text.begin() + static_cast<long>(at), '\n'));
    return fmt::format("{}.lua: ", source.name);
}

// Reads the fields of one table, remembering the first thing that is wrong.
class Fields {
  public:
    Fields(const Value& table, const Source& source) : table_(table), source_(source) {}

    void wrong(std::string_view key, const std::string& why) {
        if (first_.why.empty())
            first_ = { .kind = Kind::script, .why = place_of(source_, key) + printable(why) };
    }
    std::string text(std::string_view key, bool required = false) {
        const auto& value = table_.at(key);
        if (value.is_null() && required)
            wrong(key, fmt::format("{} is missing", key));
        else if (!value.is_null() && (!value.text() || value.text()->empty()))
            wrong(key, fmt::format("{} must be a text", key));
        return value.text() ? *value.text() : "";
    }
    std::optional<Duration> duration(std::string_view key) {
        const auto written = text(key);
        if (written.empty())
            return std::nullopt;
        const auto span = parse_duration(written);
        if (!span.ok() || span.value().count() == 0) {
            wrong(key, fmt::format("{} '{}' is no duration; write 90s, 10m or 2h", key, written));
            return std::nullopt;
        }
        return span.value();
    }
    std::vector<std::string> texts(std::string_view key) {
        std::vector<std::string> found;
        const auto& value = table_.at(key);
        const bool none = value.is_null() || (value.map() && value.map()->empty());
        if (!none && !value.list())
            wrong(key, fmt::format("{} must be a list of texts", key));
        if (const auto* items = value.list())
            for (const auto& item : *items) {
                if (item.text())
                    found.push_back(*item.text());
                else
                    wrong(key, fmt::format("{} must be a list of texts", key));
            }
        return found;
    }
    Result<void> verdict() const {
        if (!first_.why.empty())
            return first_;
        return {};
    }

  private:
    const Value& table_;
    const Source& source_;
    Error first_;
};

bool digits(std::string_view text) {
    return !text.empty() && text.size() < 10 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_semver(std::string_view version) {
    const auto core = version.substr(0, version.find_first_of("-+"));
    const auto parts = split(core, '.');
    return version.size() < 100 && parts.size() == 3 && std::all_of(parts.begin(), parts.end(), digits);
}

bool has_type(const Value& value, std::string_view type) {
    if (type == "real")
        return value.real() || value.integer();
    if (type == "list" && value.map())
        return value.map()->empty(); // an empty Lua table is either
    return value.type_name() == type;
}

bool is_true(const Value& value) { return value.boolean() && *value.boolean(); }

bool is_param_name(std::string_view name) {
    return !name.empty() && name.size() <= 60 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

RunbookParameter read_param(const std::string& name, const Value& told, Fields& fields) {
    RunbookParameter param{ .name = name,
                            .type = told.text_at("type"),
                            .doc = told.text_at("doc"),
                            .optional = is_true(told.at("optional")),
                            .fallback = told.at("fallback") };
    if (!is_param_name(name))
        fields.wrong(name, fmt::format("parameter '{}' must be named with a-z, 0-9 and _", name));
    if (!is_one_of(param.type, known_types))
        fields.wrong(name, fmt::format("parameter {} has no type that there is{}", name,
                                       suggestion(param.type, known_types)));
    if (param.doc.empty())
        fields.wrong(name, fmt::format("parameter {} has no doc", name));
    if (!param.fallback.is_null() && !has_type(param.fallback, param.type))
        fields.wrong(name, fmt::format("the fallback of parameter {} is no {}", name, param.type));
    if (const auto* members = told.map())
        for (const auto& [key, member] : *members)
            if (!is_one_of(key, known_param_fields))
                fields.wrong(key, fmt::format("parameter {} has a field '{}'{}", name, key,
                                              suggestion(key, known_param_fields)));
    return param;
}

void read_params(const Value& table, Fields& fields, Description& description) {
    const auto& params = table.at("params");
    if (!params.is_null() && !params.map())
        fields.wrong("params", "params must be a table of name = { type = …, doc = … }");
    if (const auto* members = params.map())
        for (const auto& [name, told] : *members)
            description.params.push_back(read_param(name, told, fields));
}

void refuse_unknown(const Value& table, Fields& fields) {
    std::vector<std::string> all = known_fields;
    all.insert(all.end(), known_phases.begin(), known_phases.end());
    for (const auto& [key, value] : *table.map()) {
        if (is_one_of(key, known_phases))
            fields.wrong(key, fmt::format("{} must be a function", key));
        else if (key != "phases" && !is_one_of(key, known_fields))
            fields.wrong(key,
                         fmt::format("'{}' is no field of a runbook{}", key, suggestion(key, all)));
    }
}

// `phases` is the worker's list of functions.
void read_phases(Fields& fields, Description& description) {
    description.phases = fields.texts("phases");
    for (const auto& name : description.phases)
        if (!is_one_of(name, known_phases))
            fields.wrong(name, fmt::format("'{}' is no phase of a runbook{}", name,
                                           suggestion(name, known_phases)));
    for (const std::string_view needed : { "diagnose", "verify" })
        if (!description.has_phase(needed))
            fields.wrong(needed, fmt::format("the function {} is missing", needed));
    const auto before = [](const std::string& left, const std::string& right) {
        return std::find(known_phases.begin(), known_phases.end(), left) <
               std::find(known_phases.begin(), known_phases.end(), right);
    };
    if (!std::is_sorted(description.phases.begin(), description.phases.end(), before))
        fields.wrong("phases", "the phases come in another order than they run");
}

void read_uses(Fields& fields, Description& description) {
    description.uses = fields.texts("uses");
    for (const auto& use : description.uses)
        if (!is_one_of(use, known_uses))
            fields.wrong("uses", fmt::format("uses '{}', which is no capability{}", use,
                                             suggestion(use, known_uses)));
}

// Calls `each` with every {name} in a target; false when braces do not match.
bool each_placeholder(std::string_view target, const std::function<void(std::string_view)>& each) {
    while (!target.empty()) {
        const auto open = target.find_first_of("{}");
        if (open == std::string_view::npos)
            return true;
        const auto close = target.find_first_of("{}", open + 1);
        if (target[open] != '{' || close == std::string_view::npos || target[close] != '}')
            return false;
        each(target.substr(open + 1, close - open - 1));
        target.remove_prefix(close + 1);
    }
    return true;
}

void read_target(Fields& fields, Description& description) {
    description.target = fields.text("target");
    const bool matched = each_placeholder(description.target, [&](std::string_view name) {
        const auto* param = description.param(name);
        if (!param)
            fields.wrong("target", fmt::format("target names {{{}}}, which is no parameter", name));
        else if (param->optional && param->fallback.is_null())
            fields.wrong("target", fmt::format("target names {{{}}}, which may be left out", name));
    });
    if (!matched)
        fields.wrong("target", "the braces of target do not match");
}

// "rehearsal" or "rehearsal 30d" among texts that are for people. One that means it and says it
// otherwise would not be held to.
void read_rehearsal(Fields& fields, Description& description) {
    for (const auto& need : description.needs) {
        const auto word = need.substr(0, need.find(' '));
        const auto span = trimmed(std::string_view(need).substr(word.size()));
        if (word != rehearsal_word) {
            if (!nearest(word, { std::string(rehearsal_word) }).empty())
                fields.wrong("requires", fmt::format("requires '{}'; did you mean 'rehearsal'?", need));
            continue;
        }
        const auto lately = span.empty() ? Result<Duration>(usually_lately) : parse_duration(span);
        if (lately.ok() && lately.value().count() > 0)
            description.rehearsal =
                std::min(lately.value(), description.rehearsal.value_or(lately.value()));
        else
            fields.wrong("requires", fmt::format("requires '{}', which is no duration; write "
                                                 "\"rehearsal\" or \"rehearsal 30d\"",
                                                 need));
    }
}

void read_safety(const Value& table, Fields& fields, Description& description) {
    description.deadline = fields.duration("deadline");
    description.rto = fields.duration("rto");
    description.confirm = fields.text("confirm");
    description.needs = fields.texts("requires");
    read_rehearsal(fields, description);
    description.approvals = table.integer_at("approvals");
    description.reason = is_true(table.at("reason"));
    if (!table.at("approvals").is_null() &&
        (!table.at("approvals").integer() || description.approvals < 0 || description.approvals > 9))
        fields.wrong("approvals", "approvals must be a number of people, 0 to 9");
    if (!table.at("reason").is_null() && !table.at("reason").boolean())
        fields.wrong("reason", "reason must be true or false");
}

} // namespace

const RunbookParameter* Description::param(std::string_view name) const {
    const auto found =
        std::find_if(params.begin(), params.end(), [&](const auto& one) { return one.name == name; });
    return found == params.end() ? nullptr : &*found;
}

bool Description::has_phase(std::string_view name) const { return is_one_of(name, phases); }

Result<Description> read_description(const Value& table, const Source& source) {
    if (!table.map())
        return Error{ .kind = Kind::script, .why = source.name + ".lua returns no table" };
    Fields fields(table, source);
    Description description{ .table = table };
    refuse_unknown(table, fields);
    description.version = fields.text("version", true);
    if (!description.version.empty() && !is_semver(description.version))
        fields.wrong("version", fmt::format("version '{}' is not like 1.0.0", description.version));
    description.summary = fields.text("summary", true);
    read_phases(fields, description);
    read_uses(fields, description);
    read_params(table, fields, description);
    read_target(fields, description);
    read_safety(table, fields, description);
    TRY(fields.verdict());
    return description;
}

} // namespace respawn::run
