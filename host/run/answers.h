// What people answer to a runbook's questions (respawn.ask). Answers are inputs of a run, as its
// parameters are: they are agreed to with the plan or kept in the journal, and each is used for the
// question that it was given to.
#pragma once

#include "run/mode.h"

#include <functional>
#include <map>
#include <optional>

namespace respawn::run {

struct Question {
    std::string text;
    std::vector<std::string> choices;
};

// Whoever can be asked while a runbook is planned or runs: a terminal, or what was typed beforehand.
class Person {
  public:
    virtual ~Person() = default;
    // One of the choices, or nothing when nobody is there.
    virtual Result<std::optional<std::string>> choose(const Question& question) = 0;
};
Person& nobody();

// Answers by the hash of their question, in the order they were given to it.
using KnownAnswers = std::map<std::string, std::vector<std::string>, std::less<>>;

// The answers of one planning or one run.
class Answers {
  public:
    // `keep` is told of what the person says now, before it is used.
    using Keep = std::function<Result<void>(const std::string& question, const std::string& answer)>;
    Answers(KnownAnswers known, Person& person, Keep keep = {})
        : known_(std::move(known)), person_(person), keep_(std::move(keep)) {}

    // Kind::unknown while there is none; Kind::usage for an answer that is no choice; Kind::script for
    // a question that is none.
    Result<std::string> to(const Step& step);

  private:
    KnownAnswers known_;
    Person& person_;
    Keep keep_;
    std::map<std::string, std::size_t, std::less<>> used_;
};

// Kind::script unless there are 2 to 20 different texts to choose from.
Result<Question> question_of(const Value::Map& arguments);
// Kind::usage for what is no choice.
Result<void> must_be_choice(const Question& question, const std::string& answer);

// An answer as it stands among the effects of a plan, and those of a plan.
Value planned_answer(const Step& step, const std::string& answer);
bool is_answer(const Value& planned);
KnownAnswers answers_in(const Value& effects);
Value without_answers(const Value& effects);

} // namespace respawn::run
