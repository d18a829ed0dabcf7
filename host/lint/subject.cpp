#include "lint/subject.h"

#include <algorithm>

namespace respawn::lint {

namespace {

constexpr std::size_t most_modules = 100;

constexpr std::string_view given_globals[] = {
    "_G",       "_VERSION", "assert", "error",        "getmetatable", "ipairs", "math",
    "next",     "pairs",    "pcall",  "print",        "rawequal",     "rawget", "rawlen",
    "rawset",   "require",  "select", "setmetatable", "string",       "table",  "tonumber",
    "tostring", "type",     "utf8",   "xpcall",
};

Files kind_of(const Script& script) {
    if (script.name().ends_with("_test"))
        return tests;
    const auto says = [&](const char* field) {
        return script.functions().contains(field) || script.fields().contains(field);
    };
    return says("version") || says("summary") || says("diagnose") || says("verify") ? runbooks
                                                                                    : modules;
}

} // namespace

bool Reach::has_effects() const {
    return std::any_of(mentions.begin(), mentions.end(), [](const Mention& mention) {
        return mention.primitive && mention.primitive->effect != run::Effect::reads;
    });
}

bool Reach::names(std::string_view primitive) const {
    return std::any_of(mentions.begin(), mentions.end(),
                       [&](const Mention& mention) { return mention.name == primitive; });
}

// Follows what a function names: functions of its file and of modules, each once, the nearest first.
class Reacher {
  public:
    explicit Reacher(const Subject& subject) : subject_(subject) {}

    Reach from(const Node& node) {
        add({ &subject_.script(), &node, 0, {} });
        for (std::size_t next = 0; next < found_.size(); ++next)
            look_at(Found(found_[next]));
        return std::move(reach_);
    }

  private:
    struct Found {
        const Script* script;
        const Node* function;
        int line;            // where this file names what led here; 0 in the file itself
        std::string through; // as what
    };

    void add(Found found) {
        if (!seen_.insert(found.function).second)
            return;
        reach_.functions.push_back(found.function);
        found_.push_back(std::move(found));
    }
    void look_at(const Found& here) {
        for (auto& mention : subject_.mentions_in(*here.script, *here.function)) {
            mention.through = here.through;
            mention.line = here.line > 0 ? here.line : mention.line;
            reach_.mentions.push_back(std::move(mention));
        }
        each(*here.function, [&](const Node& node) {
            if (node.form == Form::name)
                follow_name(here, node);
            else if (node.form == Form::index)
                follow_field(here, node);
            return true;
        });
    }
    void follow_name(const Found& here, const Node& node) {
        const auto& told = here.script->meant(node);
        if (told.form == Form::function)
            add({ here.script, &told, here.line, here.through });
    }
    void follow_field(const Found& here, const Node& node) {
        const bool own = here.script->is_returned(node.parts[0]);
        const auto* script = own ? here.script : subject_.module(here.script->module_of(node.parts[0]));
        const auto* function = script ? field_of(*script, key_of(node)) : nullptr;
        if (!function)
            return;
        const bool leaves = !own && here.line == 0;
        add({ script, function, leaves ? node.line : here.line, leaves ? dotted(node) : here.through });
    }
    static const Node* field_of(const Script& script, std::string_view key) {
        const auto found = script.functions().find(std::string(key));
        return found == script.functions().end() ? nullptr : found->second;
    }

    const Subject& subject_;
    Reach reach_;
    std::vector<Found> found_;
    std::set<const Node*> seen_;
};

Subject::Subject(const run::Source& source, const run::Folders& folders,
                 const run::Primitives& primitives)
    : script_(std::make_unique<Script>(source.name, source.modules.at(source.main))),
      primitives_(primitives) {
    if (script_->fault())
        return;
    kind_ = kind_of(*script_);
    load_modules(*script_, source, folders);
    find_known_globals(source, folders);
    find_dynamic(script_->root());
    mentions_ = mentions_in(*script_, script_->root());
    everything_ = Reacher(*this).from(script_->root());
    for (const auto phase : phase_names)
        if (const auto found = script_->functions().find(std::string(phase));
            kind_ == runbooks && found != script_->functions().end())
            phases_.emplace(phase, Reacher(*this).from(*found->second));
    if (const auto text = run::read_module(source, source.main + "_test", folders);
        kind_ == runbooks && text.ok())
        test_ = std::make_unique<Script>(source.name + "_test", text.value());
}

void Subject::load_modules(const Script& script, const run::Source& source,
                           const run::Folders& folders) {
    for (const auto* call : script.requirements()) {
        const auto name = script.module_of(*call);
        if (name.empty() || name == "respawn" || modules_.contains(name) || missing_.contains(name) ||
            modules_.size() >= most_modules)
            continue;
        const auto text = run::read_module(source, name, folders);
        if (!text.ok()) {
            missing_.emplace(name, text.error().why);
            continue;
        }
        const auto& module =
            *modules_.emplace(name, std::make_unique<Script>(name, text.value())).first->second;
        load_modules(module, source, folders);
    }
}

void Subject::find_known_globals(const run::Source& source, const run::Folders& folders) {
    known_globals_.insert(std::begin(given_globals), std::end(given_globals));
    const auto kit = run::read_module(source, "stdlib.testing", folders);
    if (kind_ != tests || !kit.ok())
        return;
    const Script testing("stdlib.testing", kit.value());
    for (const auto& [name, function] : testing.functions())
        known_globals_.insert(name);
}

const Script* Subject::module(const std::string& name) const {
    const auto found = modules_.find(name);
    return found == modules_.end() || found->second->fault() ? nullptr : found->second.get();
}

std::string Subject::why_missing(const std::string& name) const {
    const auto found = missing_.find(name);
    return found == missing_.end() ? "" : found->second;
}

const Reach& Subject::phase(std::string_view name) const {
    static const Reach nothing;
    const auto found = phases_.find(name);
    return found == phases_.end() ? nothing : found->second;
}

bool Subject::is_respawn(const Script& script, const Node& node) const {
    return script.module_of(node) == "respawn";
}

void Subject::find_dynamic(const Node& root) {
    each(root, [&](const Node& node) {
        if (node.form == Form::local) {
            find_dynamic(node.parts[1]); // its names are not uses
            return false;
        }
        const bool field = node.form == Form::index && is_respawn(*script_, node.parts[0]);
        dynamic_ = dynamic_ || (field && key_of(node).empty()) ||
                   (node.form == Form::name && is_respawn(*script_, node));
        return !field;
    });
}

namespace {

// The call that a node is, with the function it calls and what it gives to it; looks through pcall.
struct Called {
    const Node* function = nullptr;
    std::vector<const Node*> arguments;
};

Called called_by(const Script& script, const Node& call) {
    const bool plain = script.is_global(call.parts[0], "pcall");
    const bool handled = script.is_global(call.parts[0], "xpcall");
    const std::size_t at = handled ? 2 : 1;
    Called called{ .function = &call.parts[0], .arguments = {} };
    std::size_t first = 1;
    if ((plain || handled) && call.parts.size() > at) {
        called.function = &call.parts[1];
        first = at + 1;
    }
    for (; first < call.parts.size(); ++first)
        called.arguments.push_back(&call.parts[first]);
    return called;
}

} // namespace

std::vector<Mention> Subject::mentions_in(const Script& script, const Node& root) const {
    std::vector<Mention> found;
    std::set<const Node*> called;
    const auto add = [&](const Node& field, const Node* call, std::vector<const Node*> arguments) {
        const std::string name(key_of(field));
        found.push_back({ .name = name,
                          .primitive = is_kit() ? nullptr : run::find(primitives_, name),
                          .node = &field,
                          .call = call,
                          .arguments = std::move(arguments),
                          .script = &script,
                          .line = field.line,
                          .through = {} });
    };
    const auto is_field = [&](const Node& node) {
        return !key_of(node).empty() && is_respawn(script, node.parts[0]);
    };
    each(root, [&](const Node& node) {
        if (node.form == Form::call)
            if (auto call = called_by(script, node); is_field(*call.function)) {
                called.insert(call.function);
                add(*call.function, &node, std::move(call.arguments));
            }
        if (is_field(node) && !called.contains(&node))
            add(node, nullptr, {});
        return true;
    });
    return found;
}

} // namespace respawn::lint
