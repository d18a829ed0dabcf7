#include "run/answers.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace respawn::run {

namespace {

constexpr std::size_t fewest_choices = 2, most_choices = 20;
constexpr std::string_view answer_name = "answer";

struct NobodyThere final : Person {
    Result<std::optional<std::string>> choose(const Question&) override {
        return std::optional<std::string>();
    }
};

std::string listed(const Question& question) { return join(question.choices, ", "); }

} // namespace

Person& nobody() {
    static NobodyThere person;
    return person;
}

Result<Question> question_of(const Value::Map& arguments) {
    Question question;
    const Value all(arguments);
    question.text = all.text_at("text");
    std::set<std::string> different;
    static const Value::List none;
    const auto* choices = all.at("choices").list();
    for (const auto& choice : choices ? *choices : none) {
        if (!choice.text() || trimmed(*choice.text()).empty())
            return Error{ .kind = Kind::script, .why = "each of an ask's choices must be a text" };
        question.choices.push_back(*choice.text());
        different.insert(*choice.text());
    }
    if (different.size() < fewest_choices || different.size() != question.choices.size() ||
        different.size() > most_choices)
        return Error{ .kind = Kind::script,
                      .why = fmt::format("an ask must have {} to {} different choices", fewest_choices,
                                         most_choices) };
    return question;
}

Result<void> must_be_choice(const Question& question, const std::string& answer) {
    if (std::find(question.choices.begin(), question.choices.end(), answer) != question.choices.end())
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("'{}' is no answer to: {}", printable(answer),
                                     printable(question.text)),
                  .fix = "there are: " + printable(listed(question)) };
}

Result<std::string> Answers::to(const Step& step) {
    const auto question = TRY(question_of(step.arguments));
    auto& known = known_[step.argument_hash];
    const auto number = used_[step.argument_hash]++;
    if (number < known.size())
        return known[number];
    const auto answer = TRY(person_.choose(question));
    if (!answer)
        return Error{ .kind = Kind::unknown,
                      .why = fmt::format("a person has to answer: {} ({})", printable(question.text),
                                         printable(listed(question))),
                      .fix = "to look further: add --answer CHOICE" };
    TRY(must_be_choice(question, *answer));
    if (keep_)
        TRY(keep_(step.argument_hash, *answer));
    known.push_back(*answer);
    return *answer;
}

Value planned_answer(const Step& step, const std::string& answer) {
    return Value::Map{ { "name", answer_name },
                       { "phase", step.phase },
                       { "question", step.argument_hash },
                       { "arguments", step.arguments },
                       { "answer", answer } };
}

bool is_answer(const Value& planned) {
    return planned.text_at("name") == answer_name && planned.at("question").text();
}

KnownAnswers answers_in(const Value& effects) {
    KnownAnswers known;
    if (const auto* list = effects.list())
        for (const auto& effect : *list)
            if (is_answer(effect))
                known[effect.text_at("question")].push_back(effect.text_at("answer"));
    return known;
}

Value without_answers(const Value& effects) {
    Value::List rest;
    if (const auto* list = effects.list())
        std::copy_if(list->begin(), list->end(), std::back_inserter(rest),
                     [](const Value& effect) { return !is_answer(effect); });
    return rest;
}

} // namespace respawn::run
