#include "testkit/kit.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::testkit {

namespace {

constexpr std::size_t largest_schema = 1 << 20;
constexpr std::size_t most_worlds = 50;
constexpr std::int64_t latest_moment = 100'000'000'000; // seconds: the year 5138

bool truth_at(const Value& arguments, std::string_view key) {
    const auto* truth = arguments.at(key).boolean();
    return truth && *truth;
}

const Value::List& list_at(const Value& arguments, std::string_view key) {
    static const Value::List none;
    return arguments.at(key).list() ? *arguments.at(key).list() : none;
}

// A parameter as a person would type it.
std::string typed(const Value& value) {
    if (value.text())
        return *value.text();
    if (!value.list())
        return to_text(value);
    std::vector<std::string> items;
    for (const auto& item : *value.list())
        items.push_back(typed(item));
    return join(items, ",");
}

// Answers in the order that the test gives them.
class GivenAnswers final : public run::Person {
  public:
    explicit GivenAnswers(Value::List answers) : answers_(std::move(answers)) {}
    Result<std::optional<std::string>> choose(const run::Question&) override {
        if (used_ == answers_.size())
            return std::optional<std::string>();
        return std::optional(typed(answers_[used_++]));
    }

  private:
    Value::List answers_;
    std::size_t used_ = 0;
};

run::Request request_from(const Value& arguments) {
    run::Request request{ .runbook = arguments.text_at("runbook"),
                          .parameters = {},
                          .operator_name = "test",
                          .reason = "a test" };
    if (const auto* params = arguments.at("params").map())
        for (const auto& [name, value] : *params)
            request.parameters.emplace(name, typed(value));
    return request;
}

std::string title_of(std::string_view mode, const Value& arguments) {
    return fmt::format("{} {} {}", mode, printable(arguments.text_at("runbook")),
                       to_text(arguments.at("params")));
}

Value::Map stub_named(std::string_view name) {
    Value::Map stub;
    stub.emplace("name", name);
    return stub;
}

Value::Map parameter_stub(std::string_view name, std::string_view type) {
    auto stub = stub_named(name);
    stub.emplace("type", type);
    return stub;
}

bool is_file_name(std::string_view name) {
    return !name.empty() && !name.starts_with(".") && name.find('/') == std::string_view::npos &&
           name.find('\0') == std::string_view::npos;
}

} // namespace

struct Kit::Primitive {
    std::string_view name;
    std::vector<std::pair<std::string_view, std::string_view>> params; // name and type; "?" is optional
    Result<Value> (Kit::*perform)(const Value&);
};

const std::vector<Kit::Primitive>& Kit::primitives() {
    static const std::vector<Primitive> all = {
        { "world_make",
          { { "schema", "text" }, { "sql", "text" }, { "rows", "map" }, { "files", "map" } },
          &Kit::make_world },
        { "world_end", { { "world", "integer" } }, &Kit::end_world },
        { "world_run",
          { { "world", "integer" },
            { "runbook", "text" },
            { "params", "map" },
            { "dry_run", "boolean" },
            { "answers", "list" },
            { "rehearse", "boolean" },
            { "backup", "text" },
            { "regardless", "boolean" } },
          &Kit::run },
        { "world_resume", { { "world", "integer" }, { "beyond_plan", "boolean" } }, &Kit::resume_run },
        { "world_crash",
          { { "world", "integer" },
            { "runbook", "text" },
            { "params", "map" },
            { "at", "integer" },
            { "again_at", "integer" },
            { "answers", "list" } },
          &Kit::crash },
        { "world_query",
          { { "world", "integer" }, { "sql", "text" }, { "with", "list" } },
          &Kit::query },
        { "world_execute",
          { { "world", "integer" }, { "sql", "text" }, { "with", "list" } },
          &Kit::execute },
        { "world_backup", { { "world", "integer" } }, &Kit::back_up },
        { "world_corrupt", { { "world", "integer" }, { "name", "text" } }, &Kit::corrupt },
        { "world_truncate", { { "world", "integer" } }, &Kit::truncate },
        { "world_messages", { { "world", "integer" } }, &Kit::messages },
        { "world_files", { { "world", "integer" } }, &Kit::file_names },
        { "world_chain", { { "world", "integer" }, { "endpoints", "list" } }, &Kit::set_chain },
        { "world_cut",
          { { "world", "integer" }, { "why", "text" }, { "boundary", "text" } },
          &Kit::cut },
        { "test_begin", { { "name", "text" } }, &Kit::begin_test },
        { "test_end",
          { { "passed", "boolean" }, { "why", "text" }, { "note", "text" } },
          &Kit::end_test },
        { "covered", { { "runbook", "text" }, { "boundaries", "integer" } }, &Kit::cover },
        { "named", { { "kind", "text" }, { "name", "text" } }, &Kit::name },
        { "now", {}, &Kit::clock },
        { "clock_set", { { "to", "any" } }, &Kit::set_clock },
        { "clock_advance", { { "by", "any" } }, &Kit::advance_clock },
    };
    return all;
}

Value Kit::stubs() {
    Value::List told;
    for (const auto& primitive : primitives()) {
        Value::List params;
        for (const auto& [name, type] : primitive.params)
            params.emplace_back(parameter_stub(name, type));
        auto stub = stub_named(primitive.name);
        stub.emplace("parameters", params);
        told.emplace_back(stub);
    }
    return told;
}

Result<Value> Kit::call(const std::string& primitive, const Value& arguments) {
    const auto& all = primitives();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const Primitive& one) { return one.name == primitive; });
    if (found != all.end())
        return (this->*found->perform)(arguments);
    return Error{ .kind = Kind::script,
                  .why = fmt::format("the testing kit has no '{}'", printable(primitive)) };
}

Result<World*> Kit::world(const Value& arguments) {
    const auto found = worlds_.find(arguments.integer_at("world"));
    if (found == worlds_.end())
        return Error{ .kind = Kind::script, .why = "there is no such world; it ended with its test" };
    return found->second.get();
}

// As text, or in a file beside the test.
Result<std::string> Kit::schema(const Value& arguments) const {
    if (auto sql = arguments.text_at("sql"); !sql.empty())
        return sql;
    const auto schema = arguments.text_at("schema");
    if (!is_file_name(schema))
        return Error{ .kind = Kind::script,
                      .why = fmt::format("'{}' is no file beside the test", printable(schema)),
                      .fix = "world { schema = \"world.sql\", rows = { … } }" };
    return io::read_file(folder_ / schema, largest_schema);
}

Result<Value> Kit::make_world(const Value& arguments) {
    if (worlds_.size() >= most_worlds)
        return Error{ .kind = Kind::script,
                      .why = fmt::format("a test may have at most {} worlds", most_worlds) };
    const auto text = TRY(schema(arguments));
    auto made = TRY(World::make(stage_.worlds, text, arguments.at("rows"), arguments.at("files")));
    if (stage_.journal)
        TRY(made->keep_runs_at(*stage_.journal));
    worlds_.emplace(next_world_, std::move(made));
    return Value(next_world_++);
}

Result<Value> Kit::end_world(const Value& arguments) {
    worlds_.erase(arguments.integer_at("world"));
    return Value(nullptr);
}

// Keeps what a run did for whoever reads a failed test, and which phases it has been through.
Value Kit::shown(std::string_view title, Value told) {
    for (const auto& phase : list_at(told, "phases"))
        if (phase.text())
            covered_.phases[told.text_at("runbook")].insert(*phase.text());
    timeline_.push_back(fmt::format("{}: {}", title, told.text_at("state")));
    for (const auto& line : list_at(told, "timeline"))
        timeline_.push_back("  " + (line.text() ? *line.text() : ""));
    if (!told.text_at("error").empty())
        timeline_.push_back("  " + printable(told.text_at("error")));
    return told;
}

Stage Kit::stage_with(run::Person& person) const {
    auto stage = stage_;
    stage.person = &person;
    return stage;
}

Result<Value> Kit::run(const Value& arguments) {
    auto* in = TRY(world(arguments));
    const auto request = request_from(arguments);
    GivenAnswers person(list_at(arguments, "answers"));
    const auto stage = stage_with(person);
    if (truth_at(arguments, "dry_run"))
        return shown(title_of("DRY RUN", arguments), TRY(dry_run(*in, stage, request)));
    if (truth_at(arguments, "rehearse"))
        return shown(title_of("REHEARSAL", arguments),
                     TRY(rehearse(*in, stage, request,
                                  { .backup = arguments.text_at("backup"),
                                    .regardless = truth_at(arguments, "regardless"),
                                    .progress = {} })));
    return shown(title_of("LIVE", arguments), TRY(live_run(*in, stage, request)));
}

Result<Value> Kit::resume_run(const Value& arguments) {
    return shown("RESUMED",
                 TRY(resume(*TRY(world(arguments)), stage_, truth_at(arguments, "beyond_plan"))));
}

Result<Value> Kit::crash(const Value& arguments) {
    const CrashPlan plan{ .at = arguments.integer_at("at"),
                          .again_at = arguments.integer_at("again_at") };
    auto* in = TRY(world(arguments));
    const auto request = request_from(arguments);
    if (plan.at ==
        0) { // undisturbed: as a person would begin, with a dry run, which must change nothing
        GivenAnswers person(list_at(arguments, "answers"));
        TRY(dry_run(*in, stage_with(person), request));
    }
    GivenAnswers person(list_at(arguments, "answers"));
    auto told = TRY(crash_and_resume(*in, stage_with(person), request, plan));
    timeline_.clear(); // the boundary that fails is the one to read about
    const auto boundary = told.text_at("boundary");
    const auto title = boundary.empty() ? "UNDISTURBED" : "KILLED " + boundary + ", then RESUMED:";
    return shown(title_of(title, arguments), std::move(told));
}

Result<Value> Kit::query(const Value& arguments) {
    return TRY(world(arguments))->query(arguments.text_at("sql"), list_at(arguments, "with"));
}

Result<Value> Kit::execute(const Value& arguments) {
    TRY(TRY(world(arguments))->execute(arguments.text_at("sql"), list_at(arguments, "with")));
    return Value(nullptr);
}

Result<Value> Kit::back_up(const Value& arguments) { return TRY(world(arguments))->back_up(); }

Result<Value> Kit::corrupt(const Value& arguments) {
    TRY(TRY(world(arguments))->corrupt_database(arguments.text_at("name")));
    return Value(nullptr);
}

Result<Value> Kit::truncate(const Value& arguments) {
    TRY(TRY(world(arguments))->truncate_database());
    return Value(nullptr);
}

Result<Value> Kit::messages(const Value& arguments) { return TRY(world(arguments))->messages(); }

Result<Value> Kit::file_names(const Value& arguments) { return TRY(world(arguments))->file_names(); }

Result<Value> Kit::set_chain(const Value& arguments) {
    TRY(TRY(world(arguments))->set_chain(list_at(arguments, "endpoints")));
    return Value(nullptr);
}

Result<Value> Kit::cut(const Value& arguments) {
    TRY(world(arguments))
        ->cut_next_run(
            { .after_commit = arguments.text_at("why"), .named = arguments.text_at("boundary") });
    return Value(nullptr);
}

Result<Value> Kit::begin_test(const Value& arguments) {
    test_ = arguments.text_at("name", "a test without a name");
    stage_.present.reset();
    begun_ = now();
    timeline_.clear();
    return Value(nullptr);
}

Result<Value> Kit::end_test(const Value& arguments) {
    worlds_.clear();
    const bool passed = truth_at(arguments, "passed");
    const auto note = arguments.text_at("note");
    each_({ .file = file_,
            .name = note.empty() ? test_ : fmt::format("{} ({})", test_, note),
            .passed = passed,
            .why = arguments.text_at("why"),
            .timeline = passed ? std::vector<std::string>() : timeline_,
            .microseconds = (now() - begun_).count() });
    test_.clear();
    return Value(nullptr);
}

Result<Value> Kit::cover(const Value& arguments) {
    covered_.killed[arguments.text_at("runbook")] = arguments.integer_at("boundaries");
    return Value(nullptr);
}

Result<Value> Kit::name(const Value& arguments) {
    const auto name = arguments.text_at("name");
    return Value(arguments.text_at("kind") == "address" ? address_named(name) : hash_named(name));
}

Result<Value> Kit::clock(const Value&) { return Value(present().microseconds / 1'000'000); }

// To a moment: seconds since 1970, or a text; null is the machine's clock again.
Result<Value> Kit::set_clock(const Value& arguments) {
    const auto& to = arguments.at("to");
    if (to.is_null())
        stage_.present.reset();
    else if (const auto* seconds = to.integer(); seconds && std::abs(*seconds) < latest_moment)
        stage_.present = Moment{ *seconds * 1'000'000 };
    else if (to.text())
        stage_.present = TRY(parse_moment(*to.text(), present()));
    else
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{} is no moment", to_text(to)),
                      .fix = "set_time \"2026-11-22T02:00:00Z\", or seconds since 1970" };
    return Value(present().microseconds / 1'000'000);
}

Result<Value> Kit::advance_clock(const Value& arguments) {
    const auto& by = arguments.at("by");
    const auto* seconds = by.integer();
    if (!by.text() && !(seconds && *seconds >= 0 && *seconds < latest_moment))
        return Error{ .kind = Kind::script,
                      .why = fmt::format("{} is no span of time", to_text(by)),
                      .fix = "advance \"16m\", or seconds" };
    stage_.present =
        present() + (by.text() ? TRY(parse_duration(*by.text())) : Duration(*seconds * 1'000'000));
    return Value(present().microseconds / 1'000'000);
}

} // namespace respawn::testkit
