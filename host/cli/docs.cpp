#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "lint/lint.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

std::string verbs_page() {
    std::string page = "# Verbs\n\nMade from the definitions in `host/cli`; do not edit. Every verb "
                       "takes `--config FILE`, `--json` and `--help`.\n";
    for (const auto* verb : verbs())
        page += fmt::format("\n## {}\n\n```\n{}```\n", verb->name, help_of(*verb));
    return page;
}

std::string_view policy_text(const run::Primitive& primitive) {
    switch (primitive.policy) {
    case journal::Policy::probe:
        return "probe: the target is asked whether it happened";
    case journal::Policy::repeat:
        return "repeat: it is done again under the same key";
    case journal::Policy::park:
        return "park: a person decides";
    case journal::Policy::let_go:
        return "let go: maybe sent, the run goes on";
    default:
        return "none: it only reads, and is simply made again";
    }
}

// Of what does not simply look at the copy.
std::string_view rehearsal_text(const run::Primitive& primitive) {
    switch (primitive.effect) {
    case run::Effect::writes_rows:
        return " In a rehearsal: done in the copy.";
    case run::Effect::restores:
        return " In a rehearsal: done in the copy's place.";
    case run::Effect::changes:
        return primitive.recorded ? " In a rehearsal: recorded, not done, and gives what stands for it."
                                  : " In a rehearsal: recorded, not done.";
    default:
        return primitive.capability == run::Capability::chain ? " In a rehearsal: read live." : "";
    }
}

std::string parameter_row(const run::Parameter& parameter) {
    const auto needed = parameter.fallback   ? to_text(*parameter.fallback)
                        : parameter.optional ? ""
                                             : "needed";
    return fmt::format("| {} | {} | {} | {} |\n", parameter.name, run::name_of(parameter.type), needed,
                       parameter.doc);
}

std::string primitives_page(const run::Primitives& primitives) {
    std::string page = "# Primitives\n\nMade from the definitions in `bindings/primitives`; do not "
                       "edit. They are functions of `respawn` in a runbook.\n";
    for (const auto* primitive : primitives) {
        page += fmt::format("\n## respawn.{}\n\n{}\n\n", primitive->name, primitive->summary);
        if (!primitive->params.empty()) {
            page += "| argument | type | when left out | what |\n|---|---|---|---|\n";
            for (const auto& parameter : primitive->params)
                page += parameter_row(parameter);
            page += "\n";
        }
        const auto capability = run::name_of(primitive->capability);
        page += fmt::format("Gives {}. Needs `{}`. After a crash: {}.{}\n\n```lua\n{}\n```\n",
                            primitive->returns, capability.empty() ? "nothing" : capability,
                            policy_text(*primitive), rehearsal_text(*primitive), primitive->example);
    }
    return page;
}

std::string_view lua_type(run::Type type) {
    switch (type) {
    case run::Type::integer:
        return "integer";
    case run::Type::real:
        return "number";
    case run::Type::boolean:
        return "boolean";
    case run::Type::list:
    case run::Type::map:
    case run::Type::stream:
        return "table";
    case run::Type::any:
    case run::Type::snapshot:
        return "any";
    default:
        return "string";
    }
}

std::string stub(const run::Primitive& primitive) {
    std::string text = fmt::format("\n--- {}\n", primitive.summary);
    std::string names;
    if (primitive.positional) {
        for (const auto& parameter : primitive.params) {
            text += fmt::format("---@param {} {} {}\n", parameter.name, lua_type(parameter.type),
                                parameter.doc);
            names += (names.empty() ? "" : ", ") + std::string(parameter.name);
        }
        if (!primitive.params.empty() && primitive.params.back().name == "text")
            names += ", ...";
    } else {
        text = fmt::format("\n---@class respawn.{}.arguments\n", primitive.name);
        for (const auto& parameter : primitive.params)
            text += fmt::format("---@field {}{} {} {}\n", parameter.name,
                                parameter.optional || parameter.fallback ? "?" : "",
                                lua_type(parameter.type), parameter.doc);
        text += fmt::format("\n--- {}\n---@param arguments respawn.{}.arguments\n", primitive.summary,
                            primitive.name);
        names = "arguments";
    }
    return text + fmt::format("---@return any # {}\nfunction respawn.{}({}) end\n", primitive.returns,
                              primitive.name, names);
}

// For the Lua language server (LuaLS): completion and checks in an author's editor.
std::string editor_file(const run::Primitives& primitives) {
    std::string file = "---@meta respawn\n-- Made from the definitions in bindings/primitives; do not "
                       "edit.\n\n---@class respawn\n---@field at_write_time any stands for the moment "
                       "of a write, in its values\nlocal respawn = {}\n\n"
                       "--- Writes a line into the run's timeline; print does the same.\n---@param "
                       "text string\nfunction respawn.log(text) end\n";
    for (const auto* primitive : primitives)
        file += stub(*primitive);
    return file + "\nreturn respawn\n";
}

Result<void> write_if_changed(const io::Path& file, const std::string& text) {
    const auto present = io::read_file(file);
    if (present.ok() && present.value() == text)
        return {};
    return io::replace_durably(file, text, 0644);
}

Result<int> write_references(const Context& context) {
    const io::Path folder = context.typed.value("--to", "docs/reference");
    TRY(io::make_folder(folder, 0755));
    TRY(write_if_changed(folder / "verbs.md", verbs_page()));
    TRY(write_if_changed(folder / "primitives.md", primitives_page(context.primitives)));
    TRY(write_if_changed(folder / "respawn.d.lua", editor_file(context.primitives)));
    TRY(write_if_changed(folder / "lint.md", lint::rules_page()));
    TRY(write_if_changed(folder / "configuration.md", config::configuration_reference()));
    say(fmt::format("wrote the references to {}", printable(folder.string())));
    return 0;
}

} // namespace

extern const Verb docs = {
    .name = "docs",
    .summary =
        "Writes the references (verbs, primitives, rules, configuration, the editor's type file) from "
        "their definitions.",
    .options = { { .name = "--to", .value = "FOLDER", .doc = "docs/reference when left out" } },
    .example = "respawn docs --to docs/reference",
    .run = write_references,
};

} // namespace respawn::cli
