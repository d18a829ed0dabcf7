// Parameters, and what goes from phase to phase in `case`.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

struct CaseUse {
    std::string field;
    int line = 0;
    bool written = false;
    std::size_t phase = std::size(phase_names); // the one whose own body it stands in
};

// Every use of a field of `case`: in phases, and in local functions that are given it.
class CaseUses {
  public:
    explicit CaseUses(const Subject& subject) : script_(subject.script()) {
        for (const auto phase : phase_names)
            if (const auto found = script_.functions().find(std::string(phase));
                found != script_.functions().end())
                add_parameter(*found->second, 0);
        constexpr int most_passes = 20; // functions that hand it on to each other
        for (int pass = 0; pass < most_passes && hand_on(); ++pass) {
        }
        find_uses();
    }

    const std::vector<CaseUse>& uses() const { return uses_; }
    // It goes where it cannot be followed: into a module, a table, pairs.
    bool escapes() const { return escapes_; }
    bool reads(std::string_view field) const { return any(field, false); }
    bool writes(std::string_view field) const { return any(field, true); }

  private:
    bool any(std::string_view field, bool written) const {
        return std::any_of(uses_.begin(), uses_.end(), [&](const CaseUse& use) {
            return use.field == field && use.written == written;
        });
    }
    bool is_case(const Node& node) const {
        return node.form == Form::name && cases_.contains(script_.local_of(node));
    }
    bool add_parameter(const Node& function, std::size_t at) {
        const auto& parameters = parameters_of(function);
        if (at >= parameters.size() || parameters[at].form != Form::name)
            return false;
        followed_.insert(&parameters[at]);
        return cases_.insert(script_.local_of(parameters[at])).second;
    }
    // One pass over all calls; true when another function turned out to be given the case.
    bool hand_on() {
        bool more = false;
        each(script_.root(), [&](const Node& node) {
            if (node.form != Form::call || node.parts[0].form != Form::name)
                return true;
            const auto& function = script_.meant(node.parts[0]);
            for (std::size_t i = 1; function.form == Form::function && i < node.parts.size(); ++i)
                if (is_case(node.parts[i])) {
                    followed_.insert(&node.parts[i]);
                    more = add_parameter(function, i - 1) || more;
                }
            return true;
        });
        return more;
    }
    std::size_t phase_of(const Node& function) const {
        for (std::size_t i = 0; i < std::size(phase_names); ++i) {
            const auto found = script_.functions().find(std::string(phase_names[i]));
            if (found != script_.functions().end() && found->second == &function)
                return i;
        }
        return std::size(phase_names);
    }
    void find_uses() {
        find_in(script_.root(), std::size(phase_names));
        each(script_.root(), [&](const Node& node) {
            escapes_ = escapes_ || (is_case(node) && !followed_.contains(&node));
            return true;
        });
    }
    void find_in(const Node& root, std::size_t phase) {
        std::set<const Node*> targets;
        each(root, [&](const Node& node) {
            if (&node != &root && node.form == Form::function && phase == std::size(phase_names) &&
                phase_of(node) < phase) {
                find_in(node, phase_of(node));
                return false;
            }
            if (node.form == Form::assign)
                for (const auto& target : node.parts[0].parts)
                    targets.insert(&target);
            if (!key_of(node).empty() && is_case(node.parts[0])) {
                followed_.insert(&node.parts[0]);
                uses_.push_back(
                    { std::string(key_of(node)), node.line, targets.contains(&node), phase });
            }
            return true;
        });
    }

    const Script& script_;
    std::set<const Local*> cases_;
    std::set<const Node*> followed_;
    std::vector<CaseUse> uses_;
    bool escapes_ = false;
};

std::map<std::string, int> params_of(const Subject& subject) {
    std::map<std::string, int> params;
    const auto field = subject.script().fields().find("params");
    if (field != subject.script().fields().end())
        for (const auto& part : subject.script().items_of(*field->second))
            if (part.form == Form::named)
                params.emplace(part.text, part.line);
    return params;
}

bool in_target(const Subject& subject, const std::string& param) {
    const auto field = subject.script().fields().find("target");
    const auto text = field == subject.script().fields().end()
                          ? std::nullopt
                          : subject.script().text_of(*field->second);
    return text && text->find("{" + param + "}") != std::string::npos;
}

void unused_parameter(const Subject& subject, Findings& findings) {
    const CaseUses uses(subject);
    for (const auto& [param, line] : params_of(subject))
        if (!uses.escapes() && !uses.reads(param))
            findings.add(line,
                         fmt::format("the parameter {} is never read{}", param,
                                     in_target(subject, param) ? ", only named in the target" : ""));
}

void unknown_case_field(const Subject& subject, Findings& findings) {
    const CaseUses uses(subject);
    std::set<std::string> known;
    for (const auto& [param, line] : params_of(subject))
        known.insert(param);
    for (const auto& use : uses.uses())
        if (use.written)
            known.insert(use.field);
    for (const auto& use : uses.uses()) {
        if (uses.escapes() || use.written || known.contains(use.field))
            continue;
        const auto near = nearest(use.field, { known.begin(), known.end() });
        findings.add(use.line,
                     fmt::format("case.{} is no parameter, and nothing assigns it", use.field),
                     near.empty() ? "" : fmt::format("did you mean case.{}?", near));
    }
}

void case_too_early(const Subject& subject, Findings& findings) {
    const CaseUses uses(subject);
    const auto params = params_of(subject);
    std::map<std::string, std::set<std::size_t>> written; // field → phases, in their order
    for (const auto& use : uses.uses())
        if (use.written)
            written[use.field].insert(use.phase);
    for (const auto& use : uses.uses()) {
        const auto found = written.find(use.field);
        if (use.written || uses.escapes() || found == written.end() || params.contains(use.field))
            continue;
        // A function that several phases call may assign it in any of them.
        const auto first = *found->second.begin();
        if (use.phase < first && *found->second.rbegin() < std::size(phase_names))
            findings.add(use.line, fmt::format("case.{} is read in {}, and assigned only in {}",
                                               use.field, phase_names[use.phase], phase_names[first]));
    }
}

void assigned_parameter(const Subject& subject, Findings& findings) {
    const CaseUses uses(subject);
    const auto params = params_of(subject);
    for (const auto& use : uses.uses())
        if (use.written && params.contains(use.field))
            findings.add(
                use.line,
                fmt::format("case.{} is a parameter, and another value is assigned to it", use.field));
}

} // namespace

const Rules& case_rules() {
    static const Rules rules = {
        { .name = "unused-parameter",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "A parameter that no phase reads.",
          .cure = "take it out of params, or read case.NAME",
          .look = unused_parameter },
        { .name = "unknown-case-field",
          .files = runbooks,
          .wrong = "A field of case is read that is no parameter and that nothing assigns: it is nil.",
          .cure = "declare it in params, or assign it in an earlier phase",
          .look = unknown_case_field },
        { .name = "case-too-early",
          .files = runbooks,
          .wrong = "A field of case is read before the phase that assigns it.",
          .cure = "assign it in this phase or an earlier one",
          .look = case_too_early },
        { .name = "assigned-parameter",
          .severity = Severity::warning,
          .files = runbooks,
          .wrong = "A parameter is overwritten; what the operator typed is lost to the later phases.",
          .cure = "assign it to another field of case",
          .look = assigned_parameter },
    };
    return rules;
}

} // namespace respawn::lint
