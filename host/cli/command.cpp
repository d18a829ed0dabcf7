#include "base/text.h"
#include "cli/verb.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace respawn::cli {

namespace {

const std::vector<Option>& options_of_all() {
    static const std::vector<Option> options = {
        { .name = "--config",
          .value = "FILE",
          .doc = "the configuration; else $RESPAWN_CONFIG, ./respawn.yaml, /etc/respawn/respawn.yaml" },
        { .name = "--json", .doc = "the answer as JSON on stdout" },
    };
    return options;
}

std::vector<Option> all_options(const Verb& verb) {
    auto options = verb.options;
    options.insert(options.end(), options_of_all().begin(), options_of_all().end());
    return options;
}

Error unknown_verb(const std::string& word) {
    std::vector<std::string> names;
    for (const auto* verb : verbs())
        names.emplace_back(verb->name);
    std::vector<std::string> group; // "keys" alone: its verbs
    for (const auto& name : names)
        if (name.starts_with(word + " "))
            group.push_back("respawn " + name);
    if (!group.empty())
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("'{}' needs a second word", printable(word)),
                      .fix = join(group, ", ") };
    const auto near = nearest(word, names);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("there is no verb '{}'", printable(word)),
                  .fix = near.empty() ? "respawn --help lists them"
                                      : fmt::format("did you mean: respawn {}", near) };
}

// --config and --json may stand before the verb: they are put behind it.
std::vector<std::string> verb_first(std::vector<std::string> words) {
    std::size_t first = 0;
    while (first < words.size() && words[first].starts_with("--") && words[first] != "--help")
        first += words[first] == "--config" ? 2 : 1;
    if (first < words.size())
        std::rotate(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first), words.end());
    return words;
}

const Verb* find_verb(const std::vector<std::string>& words, std::size_t& length) {
    for (length = 2; length > 0; --length) {
        if (words.size() < length)
            continue;
        const auto name = length == 2 ? words[0] + " " + words[1] : words[0];
        for (const auto* verb : verbs())
            if (verb->name == name)
                return verb;
    }
    return nullptr;
}

bool behind_repeated(const Verb& verb, const Argument& argument) {
    const auto count = verb.arguments.size();
    return count > 1 && verb.arguments[count - 2].repeated && &argument == &verb.arguments.back();
}

void declare(CLI::App& app, const Verb& verb, std::map<std::string, std::vector<std::string>>& values,
             std::map<std::string, bool>& flags) {
    for (const auto& option : all_options(verb)) {
        const std::string name(option.name);
        if (option.value.empty()) {
            app.add_flag(name, flags[name], std::string(option.doc));
            continue;
        }
        auto* added = app.add_option(name, values[name], std::string(option.doc))
                          ->type_name(std::string(option.value))
                          ->allow_extra_args(false); // else it takes the words behind its own as well
        if (option.value_optional)
            added->expected(0, 1);
        else
            added->expected(1)->multi_option_policy(option.repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                    : CLI::MultiOptionPolicy::Throw);
    }
    for (const auto& argument : verb.arguments) {
        auto* added = app.add_option(std::string(argument.name), values[std::string(argument.name)],
                                     std::string(argument.doc));
        added->expected(argument.repeated && !argument.required ? 0 : 1, argument.repeated ? 1000 : 1);
        if (!argument.repeated)
            added->allow_extra_args(false); // else it takes the words of the next argument as well
        if (argument.required && !behind_repeated(verb, argument))
            added->required();
    }
}

Error usage_error(const Verb& verb, std::string_view said) {
    return { .kind = Kind::usage,
             .why = fmt::format("{}: {}", verb.name, printable(said)),
             .fix = fmt::format("respawn {} --help", verb.name) };
}

// A repeated argument has taken all words; the last is that of the one behind it.
Result<void> give_back(const Verb& verb, std::map<std::string, std::vector<std::string>>& values) {
    const auto& last = verb.arguments.back();
    if (!behind_repeated(verb, last))
        return {};
    auto& many = values[std::string(verb.arguments[verb.arguments.size() - 2].name)];
    if (many.size() < 2)
        return usage_error(verb, fmt::format("{} is required", last.name));
    values[std::string(last.name)] = { many.back() };
    many.pop_back();
    return {};
}

Error usage(const Verb& verb, const CLI::ParseError& fault) {
    std::vector<std::string> names;
    for (const auto& option : all_options(verb))
        names.emplace_back(option.name);
    std::string near;
    const std::string said = fault.what();
    if (const auto at = said.find("--"); at != std::string::npos)
        near = nearest(said.substr(at, said.find_first_of(" ]=", at) - at), names);
    auto error = usage_error(verb, said);
    if (!near.empty())
        error.fix = fmt::format("did you mean {}?", near);
    return error;
}

Result<Typed> parse(const Verb& verb, std::vector<std::string> words) {
    CLI::App app;
    app.set_help_flag();
    app.allow_extras(false);
    std::map<std::string, std::vector<std::string>> values;
    std::map<std::string, bool> flags;
    declare(app, verb, values, flags);
    std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
    try {
        app.parse(words);
    } catch (const CLI::ParseError& fault) {
        return usage(verb, fault);
    }
    if (!verb.arguments.empty())
        TRY(give_back(verb, values));
    Typed typed;
    for (auto& [name, list] : values)
        for (auto& value : list)
            typed.add(name, std::move(value));
    for (const auto& option : all_options(verb))
        if (option.value_optional && app.count(std::string(option.name)) > 0 &&
            values[std::string(option.name)].empty())
            typed.add(option.name, "");
    for (const auto& [name, set] : flags)
        if (set)
            typed.add(name, "");
    return typed;
}

std::string left_column(const Option& option) {
    if (option.value.empty())
        return std::string(option.name);
    return option.value_optional ? fmt::format("{}[={}]", option.name, option.value)
                                 : fmt::format("{} {}", option.name, option.value);
}

std::string argument_text(const Argument& argument) {
    const auto text =
        argument.repeated ? fmt::format("{}…", argument.name) : std::string(argument.name);
    return argument.required ? text : "[" + text + "]";
}

} // namespace

bool Typed::has(std::string_view name) const { return values_.contains(name); }

void Typed::add(std::string_view name, std::string value) {
    values_[std::string(name)].push_back(std::move(value));
}

std::string Typed::value(std::string_view name, std::string_view otherwise) const {
    const auto found = values_.find(name);
    return found == values_.end() || found->second.empty() ? std::string(otherwise)
                                                           : found->second.back();
}

std::vector<std::string> Typed::values(std::string_view name) const {
    const auto found = values_.find(name);
    return found == values_.end() ? std::vector<std::string>{} : found->second;
}

Result<Command> read_command(const std::vector<std::string>& typed_words) {
    auto words = verb_first(typed_words);
    Command command;
    if (words.empty() || words[0].starts_with("--config") || words[0] == "--json")
        words.insert(words.begin(), "status");
    if (words[0] == "--help" || words[0] == "help") {
        command.help = true;
        return command;
    }
    std::size_t length = 0;
    command.verb = find_verb(words, length);
    if (!command.verb)
        return unknown_verb(words[0]);
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(length));
    command.help = std::find(words.begin(), words.end(), "--help") != words.end();
    if (!command.help)
        command.typed = TRY(parse(*command.verb, std::move(words)));
    return command;
}

std::string help_of(const Verb& verb) {
    std::string text = fmt::format("respawn {}", verb.name);
    for (const auto& argument : verb.arguments)
        text += " " + argument_text(argument);
    text += fmt::format(" [options]\n\n{}\n", verb.summary);
    if (!verb.details.empty())
        text += fmt::format("\n{}\n", verb.details);
    text += "\n";
    for (const auto& argument : verb.arguments)
        text += fmt::format("  {:<22} {}\n", argument.name, argument.doc);
    for (const auto& option : all_options(verb))
        text += fmt::format("  {:<22} {}\n", left_column(option), option.doc);
    return text + fmt::format("\nexample\n  {}\n", verb.example);
}

std::string help_of_all() {
    std::string text = "respawn keeps a game's data safe and brings it back when it breaks.\n\n";
    for (const auto* verb : verbs())
        text += fmt::format("  {:<14} {}\n", verb->name, verb->summary);
    return text + "\nrespawn VERB --help says more. Without a verb: respawn status.\n"
                  "exit codes: 0 done, 1 failed, 2 wrong use or configuration, 3 done in part, 4 a "
                  "check failed,\n"
                  "5 waits for a person, 6 another run holds the lease, 7 not allowed, 8 the facts "
                  "moved, 130 interrupted\n";
}

} // namespace respawn::cli
