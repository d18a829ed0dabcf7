// What a test file can ask of the host: the testing kit's own primitives, behind stdlib/testing.lua.
// One Kit serves one test file; worlds live until they are given up or the test ends.
#pragma once

#include "testkit/world_runs.h"

#include <functional>
#include <map>
#include <set>

namespace respawn::testkit {

// One test of a file.
struct TestResult {
    std::string file, name;
    bool passed = false;
    std::string why;                   // of a failed one: what it says, with the diff
    std::vector<std::string> timeline; // what its runs did
    std::int64_t microseconds = 0;
};

// What the tests of some files have reached.
struct Covered {
    std::map<std::string, std::int64_t> killed;          // runbook → at how many boundaries
    std::map<std::string, std::set<std::string>> phases; // runbook → those that ran live to their end
};

class Kit {
  public:
    Kit(const Stage& stage, io::Path folder, std::string file,
        std::function<void(const TestResult&)> each)
        : stage_(stage), folder_(std::move(folder)), file_(std::move(file)), each_(std::move(each)) {}

    // What the worker is told of the primitives (docs/protocol.md).
    static Value stubs();
    // One call. Its arguments may be anything.
    Result<Value> call(const std::string& primitive, const Value& arguments);
    const Covered& covered() const { return covered_; }
    // The test that has begun and not ended, or empty.
    const std::string& open_test() const { return test_; }
    const std::vector<std::string>& timeline() const { return timeline_; }

  private:
    Result<Value> make_world(const Value& arguments);
    Result<Value> end_world(const Value& arguments);
    Result<Value> run(const Value& arguments);
    Result<Value> resume_run(const Value& arguments);
    Result<Value> crash(const Value& arguments);
    Result<Value> query(const Value& arguments);
    Result<Value> execute(const Value& arguments);
    Result<Value> back_up(const Value& arguments);
    Result<Value> corrupt(const Value& arguments);
    Result<Value> truncate(const Value& arguments);
    Result<Value> messages(const Value& arguments);
    Result<Value> file_names(const Value& arguments);
    Result<Value> set_chain(const Value& arguments);
    Result<Value> cut(const Value& arguments);
    Result<Value> begin_test(const Value& arguments);
    Result<Value> end_test(const Value& arguments);
    Result<Value> cover(const Value& arguments);
    Result<Value> name(const Value& arguments);
    Result<Value> clock(const Value& arguments);
    Result<Value> set_clock(const Value& arguments);
    Result<Value> advance_clock(const Value& arguments);
    Moment present() const { return stage_.present.value_or(now()); }
    Result<World*> world(const Value& arguments);
    Stage stage_with(run::Person& person) const;
    Result<std::string> schema(const Value& arguments) const;
    Value shown(std::string_view title, Value told);

    struct Primitive;
    static const std::vector<Primitive>& primitives();

    Stage stage_;
    io::Path folder_;
    std::string file_;
    std::function<void(const TestResult&)> each_;
    std::map<std::int64_t, std::unique_ptr<World>> worlds_;
    std::int64_t next_world_ = 1;
    Covered covered_;
    std::string test_;
    Moment begun_;
    std::vector<std::string> timeline_;
};

} // namespace respawn::testkit
