// What a phase may do, and what a runbook that changes something has to have.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

std::string said(const Mention& mention) {
    return mention.through.empty()
               ? fmt::format("respawn.{}", mention.name)
               : fmt::format("{} calls respawn.{}, which", mention.through, mention.name);
}

bool is_effect(const Mention& mention) {
    return mention.primitive && mention.primitive->effect != run::Effect::reads;
}

bool changes_data(const Mention& mention) {
    return mention.primitive && (mention.primitive->effect == run::Effect::writes_rows ||
                                 mention.primitive->effect == run::Effect::restores);
}

std::map<std::string, int> declared_capabilities(const Subject& subject) {
    std::map<std::string, int> declared;
    const auto field = subject.script().fields().find("uses");
    if (field != subject.script().fields().end())
        for (const auto& part : subject.script().items_of(*field->second))
            if (const auto text = subject.script().text_of(part.parts.back()))
                declared.emplace(*text, part.line);
    return declared;
}

void undeclared_capability(const Subject& subject, Findings& findings) {
    const auto declared = declared_capabilities(subject);
    std::set<std::pair<int, std::string>> said_already;
    for (const auto& mention : subject.everything().mentions) {
        if (!mention.primitive || mention.primitive->capability == run::Capability::none)
            continue;
        const std::string needed(run::name_of(mention.primitive->capability));
        if (!declared.contains(needed) && said_already.emplace(mention.line, needed).second)
            findings.add(mention.line, fmt::format("{} needs \"{}\" in uses", said(mention), needed),
                         fmt::format("add \"{}\" to uses", needed));
    }
}

void unused_capability(const Subject& subject, Findings& findings) {
    std::set<std::string_view> used;
    for (const auto& mention : subject.everything().mentions)
        if (mention.primitive)
            used.insert(run::name_of(mention.primitive->capability));
    for (const auto& [capability, line] : declared_capabilities(subject))
        if (!subject.is_dynamic() && !used.contains(capability))
            findings.add(line, fmt::format("nothing here needs \"{}\"", printable(capability)),
                         fmt::format("take \"{}\" out of uses", printable(capability)));
}

void judge_effects(const Subject& subject, std::string_view phase, Findings& findings) {
    for (const auto& mention : subject.phase(phase).mentions)
        if (is_effect(mention))
            findings.add(mention.line,
                         fmt::format("{} changes something, and {} only reads", said(mention), phase));
}
void effect_in_diagnose(const Subject& subject, Findings& findings) {
    judge_effects(subject, "diagnose", findings);
}
void effect_in_verify(const Subject& subject, Findings& findings) {
    judge_effects(subject, "verify", findings);
}

void change_in_notify(const Subject& subject, Findings& findings) {
    for (const auto& mention : subject.phase("notify").mentions)
        if (changes_data(mention))
            findings.add(mention.line,
                         fmt::format("{} changes data when verify is over", said(mention)));
}

void notify_too_early(const Subject& subject, Findings& findings) {
    for (const auto* phase : { "backup", "repair" })
        for (const auto& mention : subject.phase(phase).mentions)
            if (mention.name == "notify")
                findings.add(mention.line,
                             fmt::format("{} tells people in {}, before anything is verified",
                                         said(mention), phase));
}

const Node* phase_function(const Subject& subject, const std::string& phase) {
    const auto found = subject.script().functions().find(phase);
    return found == subject.script().functions().end() ? nullptr : found->second;
}

void no_requirement(const Subject& subject, Findings& findings) {
    const auto& reach = subject.phase("diagnose");
    const auto* diagnose = phase_function(subject, "diagnose");
    if (diagnose && subject.has_effects() && !subject.is_dynamic() && !reach.names("require"))
        findings.add(diagnose->line,
                     "diagnose requires nothing: a game that is well would be changed too");
}

void write_without_verify(const Subject& subject, Findings& findings) {
    const auto* verify = phase_function(subject, "verify");
    if (verify && subject.has_effects() && !subject.is_dynamic() &&
        !subject.phase("verify").names("check"))
        findings.add(verify->line, "this runbook changes something, and verify checks nothing");
}

bool looks_at_something(const Reach& reach) {
    return std::any_of(reach.mentions.begin(), reach.mentions.end(), [](const Mention& mention) {
        return mention.primitive && mention.primitive->effect == run::Effect::reads &&
               mention.primitive->capability != run::Capability::none;
    });
}

void verify_reads_nothing(const Subject& subject, Findings& findings) {
    const auto& reach = subject.phase("verify");
    const auto& all = subject.everything().mentions;
    const bool changes = std::any_of(all.begin(), all.end(), changes_data);
    if (changes && !subject.is_dynamic() && reach.names("check") && !looks_at_something(reach))
        findings.add(phase_function(subject, "verify")->line,
                     "verify looks at nothing: it checks what the run believes, not what is there");
}

// The texts in functions.
std::string texts_in(const std::vector<const Node*>& functions) {
    std::string texts;
    for (const auto* function : functions)
        each(*function, [&](const Node& node) {
            if (node.form == Form::text)
                texts += " " + node.text + " ";
            return true;
        });
    return texts;
}

bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
    for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        const auto end = at + word.size();
        if ((at == 0 || !in_word(text[at - 1])) && (end == text.size() || !in_word(text[end])))
            return true;
    }
    return false;
}

// The tables that changes in a function name by a text, and where.
std::map<std::string, int> written_tables(const Node& function) {
    std::map<std::string, int> tables;
    each(function, [&](const Node& node) {
        if (node.form == Form::table)
            for (const auto& item : node.parts)
                if (item.form == Form::named &&
                    (item.text == "update" || item.text == "insert" || item.text == "delete") &&
                    item.parts[0].form == Form::text)
                    tables.emplace(item.parts[0].text, item.line);
        return true;
    });
    return tables;
}

bool is_part(const Node& part, const Node& whole) {
    bool found = false;
    each(whole, [&](const Node& node) {
        found = found || &node == &part;
        return !found;
    });
    return found;
}

void unverified_table(const Subject& subject, Findings& findings) {
    const auto& repair = subject.phase("repair");
    const auto& verify = subject.phase("verify");
    const auto* phase = phase_function(subject, "repair");
    if (!phase || !repair.names("write") || !looks_at_something(verify))
        return;
    const auto seen = texts_in(verify.functions);
    for (const auto* function : repair.functions)
        for (const auto& [table, line] : written_tables(*function))
            if (!table.empty() && !has_word(seen, table))
                findings.add(is_part(*function, subject.script().root()) ? line : phase->line,
                             fmt::format("{} is changed, and verify never reads it", printable(table)));
}

void write_without_backup(const Subject& subject, Findings& findings) {
    const auto& repair = subject.phase("repair");
    const auto found = std::find_if(repair.mentions.begin(), repair.mentions.end(),
                                    [](const Mention& mention) { return mention.name == "write"; });
    if (found != repair.mentions.end() && !subject.is_dynamic() &&
        !subject.everything().names("backup"))
        findings.add(found->line, "rows are changed, and nothing was saved before");
}

void phase_returns_value(const Subject& subject, Findings& findings) {
    for (const auto phase : phase_names)
        if (const auto* function = phase_function(subject, std::string(phase)))
            each(body_of(*function), [&](const Node& node) {
                if (node.form == Form::leave && !node.parts.empty())
                    findings.add(node.line, fmt::format("{} returns a value", phase));
                return node.form != Form::function;
            });
}

void call_while_read(const Subject& subject, Findings& findings) {
    std::set<const Node*> at_top;
    each(subject.script().root(), [&](const Node& node) {
        at_top.insert(&node);
        return node.form != Form::function;
    });
    for (const auto& mention : subject.mentions())
        if (mention.primitive && mention.call && at_top.contains(mention.call))
            findings.add(mention.line,
                         fmt::format("respawn.{} is called while the file is read", mention.name));
}

void ignored_pcall(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        const bool call = node.form == Form::statement && node.parts[0].form == Form::call;
        if (call && (subject.script().is_global(node.parts[0].parts[0], "pcall") ||
                     subject.script().is_global(node.parts[0].parts[0], "xpcall")))
            findings.add(node.line, "an error is caught here, and nobody looks at it");
        return true;
    });
}

// What an effect gives, where a dry run has only a symbol for it.
class EffectResults {
  public:
    explicit EffectResults(const Subject& subject) : script_(subject.script()) {
        std::set<const Node*> calls;
        for (const auto& mention : subject.mentions())
            if (is_effect(mention) && mention.call && mention.call->parts[0].form == Form::index)
                calls.insert(mention.call);
        each(script_.root(), [&](const Node& node) {
            if (node.form == Form::assign)
                note(node, calls);
            return true;
        });
        calls_ = std::move(calls);
    }
    bool is_one(const Node& node) const {
        return calls_.contains(&script_.meant(node)) ||
               (is_field(node) && fields_.contains(key_of(node)) && !others_.contains(key_of(node)));
    }

  private:
    bool is_field(const Node& node) const {
        if (key_of(node).empty() || node.parts[0].form != Form::name)
            return false;
        const auto* local = script_.local_of(node.parts[0]);
        return local && local->kind == Local::Kind::parameter;
    }
    void note(const Node& assign, const std::set<const Node*>& calls) {
        const auto& targets = assign.parts[0].parts;
        const auto& values = assign.parts[1].parts;
        for (std::size_t i = 0; i < targets.size(); ++i)
            if (is_field(targets[i]))
                (i < values.size() && calls.contains(&values[i]) ? fields_ : others_)
                    .insert(std::string(key_of(targets[i])));
    }

    const Script& script_;
    std::set<const Node*> calls_;
    std::set<std::string, std::less<>> fields_, others_;
};

void looks_inside_effect(const Subject& subject, Findings& findings) {
    const EffectResults results(subject);
    each(subject.script().root(), [&](const Node& node) {
        const bool looks =
            (node.form == Form::index || node.form == Form::unary || node.form == Form::binary) &&
            node.text != "and" && node.text != "or" && node.text != "not";
        if (looks && (results.is_one(node.parts[0]) ||
                      (node.form == Form::binary && results.is_one(node.parts[1]))))
            findings.add(node.line,
                         "this looks inside what a change gives, which a dry run does not know yet");
        return true;
    });
}

void computes_with_symbol(const Subject& subject, Findings& findings) {
    const auto is_symbol = [&](const Node& node) {
        return key_of(node) == "at_write_time" && subject.is_respawn(subject.script(), node.parts[0]);
    };
    each(subject.script().root(), [&](const Node& node) {
        const bool computes = (node.form == Form::binary && node.text != "and" && node.text != "or") ||
                              (node.form == Form::unary && node.text != "not");
        if (computes && std::any_of(node.parts.begin(), node.parts.end(), is_symbol))
            findings.add(node.line,
                         "respawn.at_write_time is not a number: nothing can be computed with it");
        return true;
    });
}

void check_proves_nothing(const Subject& subject, Findings& findings) {
    for (const auto& mention : subject.mentions())
        if (mention.name == "check" && mention.arguments.size() > 1 &&
            mention.arguments[1]->form == Form::truth)
            findings.add(mention.line,
                         fmt::format("this check is always {}", mention.arguments[1]->text));
}

} // namespace

const Rules& phase_rules() {
    static const Rules rules = {
        { .name = "undeclared-capability",
          .files = runbooks,
          .wrong =
              "A primitive needs a capability that `uses` does not name; its call would be refused.",
          .cure = "add it to uses",
          .look = undeclared_capability },
        { .name = "unused-capability",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "`uses` names a capability that nothing needs.",
          .cure = "take it out of uses",
          .look = unused_capability },
        { .name = "effect-in-diagnose",
          .files = runbooks,
          .wrong = "diagnose changes something, itself or through a function.",
          .cure = "move it to backup or repair",
          .look = effect_in_diagnose },
        { .name = "effect-in-verify",
          .files = runbooks,
          .wrong = "verify changes something, itself or through a function.",
          .cure = "move it to repair, or to notify when it tells people",
          .look = effect_in_verify },
        { .name = "change-in-notify",
          .files = runbooks,
          .wrong = "notify changes data, when verify is over.",
          .cure = "move it to repair, and check it in verify",
          .look = change_in_notify },
        { .name = "notify-too-early",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "People are told in backup or repair what may still fail.",
          .cure = "move it to notify",
          .look = notify_too_early },
        { .name = "no-requirement",
          .files = runbooks,
          .wrong = "A runbook that changes something does not require in diagnose that it is needed.",
          .cure = "write respawn.require(what must be wrong, \"why nothing is needed\")",
          .look = no_requirement },
        { .name = "write-without-verify",
          .files = runbooks,
          .wrong = "A runbook changes something, and verify checks nothing.",
          .cure = "write respawn.check(\"what must be so\", condition) into verify",
          .look = write_without_verify },
        { .name = "verify-reads-nothing",
          .files = runbooks,
          .wrong = "A runbook changes data, and verify reads none.",
          .cure = "read again what was changed: respawn.sql { query = … }",
          .look = verify_reads_nothing },
        { .name = "unverified-table",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "A table is changed in repair that verify does not read.",
          .cure = "read it in verify, and check what must be so",
          .look = unverified_table },
        { .name = "write-without-backup",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "Rows are changed by respawn.write, and no phase calls respawn.backup.",
          .cure =
              "write function runbook.backup(case) case.saved = respawn.backup { note = \"…\" } end",
          .look = write_without_backup },
        { .name = "phase-returns-value",
          .files = runbooks,
          .wrong = "A phase returns a value, which is an error.",
          .cure = "keep it in case",
          .look = phase_returns_value },
        { .name = "call-while-read",
          .files = scripts,
          .wrong = "A primitive is called outside of any function.",
          .cure = "call it in a phase",
          .look = call_while_read },
        { .name = "ignored-pcall",
          .files = scripts,
          .wrong = "pcall as a statement: the error is lost.",
          .cure = "write local ok, err = pcall(…) and look at ok, or let the error pass",
          .look = ignored_pcall },
        { .name = "looks-inside-effect",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "The result of a change is looked into or computed with; a dry run would end there.",
          .cure = "hand it on as it is, or read what you need in diagnose",
          .look = looks_inside_effect },
        { .name = "computes-with-symbol",
          .files = scripts,
          .wrong = "Something is computed with respawn.at_write_time.",
          .cure = "use respawn.now()",
          .look = computes_with_symbol },
        { .name = "check-proves-nothing",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "A check whose answer is written down.",
          .cure = "check what was read",
          .look = check_proves_nothing },
    };
    return rules;
}

} // namespace respawn::lint
