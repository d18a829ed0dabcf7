// What respawn.write is given, and money. A table counts as a change when it names one of update,
// insert and delete by a text and has another part of a change.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::lint {

namespace {

const std::vector<std::string> change_parts = { "update", "insert", "delete", "key",
                                                "set",    "add",    "expect", "once" };
constexpr std::string_view change_verbs[] = { "update", "insert", "delete" };

struct Change {
    const Node* table = nullptr;
    std::string verb;
    std::map<std::string, const Node*, std::less<>> parts;
    bool has(std::string_view part) const { return parts.contains(part); }
};

std::optional<Change> change_in(const Script& script, const Node& node) {
    if (node.form != Form::table)
        return std::nullopt;
    Change change{ .table = &node, .verb = {}, .parts = {} };
    for (const auto& item : node.parts) {
        if (item.form != Form::named)
            return std::nullopt;
        change.parts.emplace(item.text, &item.parts[0]);
    }
    for (const auto verb : change_verbs)
        if (const auto found = change.parts.find(verb);
            found != change.parts.end() && script.text_of(*found->second))
            change.verb = verb;
    return change.verb.empty() || change.parts.size() < 2 ? std::nullopt : std::optional(change);
}

void each_change(const Subject& subject, const std::function<void(const Change&)>& look) {
    each(subject.script().root(), [&](const Node& node) {
        if (const auto change = change_in(subject.script(), node))
            look(*change);
        return true;
    });
}

void change_part(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        for (const auto& [part, value] : change.parts) {
            const auto near = nearest(part, change_parts);
            if (std::find(change_parts.begin(), change_parts.end(), part) == change_parts.end())
                findings.add(value->line, fmt::format("a change has no part '{}'", part),
                             part == "where" ? "write key = { … }"
                             : near.empty()  ? ""
                                             : fmt::format("did you mean {}?", near));
        }
        const auto verbs = std::count_if(std::begin(change_verbs), std::end(change_verbs),
                                         [&](std::string_view verb) { return change.has(verb); });
        if (verbs > 1)
            findings.add(change.table->line, "a change is one of update, insert and delete",
                         "make a change of each");
    });
}

void change_without_key(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        if (change.verb != "insert" && !change.has("key"))
            findings.add(change.table->line,
                         fmt::format("this {} does not say which row", change.verb));
    });
}

void change_without_values(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        if (change.verb == "insert" && !change.has("set"))
            findings.add(change.table->line, "this insert has no values");
        if (change.verb == "update" && !change.has("set") && !change.has("add"))
            findings.add(change.table->line, "this update changes nothing");
    });
}

void change_without_expect(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        if (change.verb != "insert" && !change.has("expect") && !change.has("once"))
            findings.add(change.table->line,
                         fmt::format("this {} does not say what it expects to find", change.verb));
    });
}

void add_without_once(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        if (change.has("add") && !change.has("once"))
            findings.add(change.table->line, "this adds to a column, and a second run would add again");
    });
}

void now_in_change(const Subject& subject, Findings& findings) {
    each_change(subject, [&](const Change& change) {
        const auto set = change.parts.find("set");
        if (set == change.parts.end())
            return;
        for (const auto& item : subject.script().items_of(*set->second)) {
            const auto& value = item.parts.back();
            const bool now = value.form == Form::call && key_of(value.parts[0]) == "now" &&
                             subject.is_respawn(subject.script(), value.parts[0].parts[0]);
            if (now)
                findings.add(value.line, "the moment of a write is written as the moment of a read");
        }
    });
}

const std::set<std::string_view> money_words = {
    "galleons",    "gold",    "coins",      "amount",
    "stake",       "balance", "price",      "refund",
    "payout",      "money",   "credits",    "tokens",
    "fee",         "prize",   "prize_pool", "withdrawable_galleons",
    "token_amount"
};

bool is_money(const Node& node) {
    const auto name = node.form == Form::name ? std::string_view(node.text) : key_of(node);
    return money_words.contains(name);
}

bool is_fraction(const Node& node) {
    return node.form == Form::number && node.text.find('.') != std::string::npos &&
           !node.text.starts_with("0x");
}

void money_as_real(const Subject& subject, Findings& findings) {
    each(subject.script().root(), [&](const Node& node) {
        if (node.form != Form::binary)
            return true;
        const auto &left = node.parts[0], &right = node.parts[1];
        const bool money = is_money(left) || is_money(right);
        const bool divides = node.text == "/";
        const bool scales = node.text == "*" && (is_fraction(left) || is_fraction(right));
        if (money && (divides || scales))
            findings.add(node.line,
                         fmt::format("'{}' makes money a number that is not whole", node.text),
                         divides ? "write //, and say where the rest goes" : "write amount * 5 // 10");
        return true;
    });
}

} // namespace

const Rules& change_rules() {
    static const Rules rules = {
        { .name = "change-part",
          .files = scripts,
          .wrong = "A change has a part that nobody knows, or is two changes in one.",
          .cure = "a change has update, insert or delete, and key, set, add, expect, once",
          .look = change_part },
        { .name = "change-without-key",
          .files = scripts,
          .wrong = "An update or delete without key.",
          .cure = "write key = { id = … }",
          .look = change_without_key },
        { .name = "change-without-values",
          .files = scripts,
          .wrong = "An insert without set, or an update without set and add.",
          .cure = "write set = { column = value }",
          .look = change_without_values },
        { .name = "change-without-expect",
          .severity = Severity::warning,
          .files = scripts,
          .wrong =
              "An update or delete that takes whatever it finds, also what has moved since diagnose.",
          .cure = "write expect = { column = value that diagnose saw }",
          .look = change_without_expect },
        { .name = "add-without-once",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "`add` without a business key: another run, or another operator, would add again.",
          .cure = "write once = \"refund:\" .. what it is for",
          .look = add_without_once },
        { .name = "now-in-change",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "respawn.now() as a value that is written.",
          .cure = "write respawn.at_write_time",
          .look = now_in_change },
        { .name = "money-as-real",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "Money is divided by / or multiplied by a fraction, which rounds.",
          .cure = "compute with whole numbers",
          .look = money_as_real },
    };
    return rules;
}

} // namespace respawn::lint
