// The talk with the worker that runs a test file (docs/protocol.md).
#include "testkit/test_files.h"

#include "base/text.h"
#include "run/recorded.h"
#include "run/worker.h"

#include <fmt/format.h>

namespace respawn::testkit {

namespace {

constexpr std::string_view globals = "stdlib.testing";
constexpr std::size_t most_modules = 100;

Value one(const char* key, Value value) {
    Value::Map map;
    map.emplace(key, std::move(value));
    return map;
}

class Conversation {
  public:
    Conversation(run::Worker& worker, const run::Source& source, const Stage& stage, Kit& kit)
        : worker_(worker), source_(source), stage_(stage), kit_(kit) {}

    // Until the file ends; Kind::script when it failed.
    Result<void> hold() {
        for (;;) {
            TRY(stage_.cancel.check());
            const auto message = TRY(worker_.receive());
            const auto kind = message.text_at("kind");
            if (kind == "done")
                return {};
            if (kind == "failed")
                return run::script_error(message);
            TRY(worker_.send(TRY(answer(kind, message))));
        }
    }

  private:
    Result<Value> answer(const std::string& kind, const Value& message) {
        if (kind == "need")
            return module(message.text_at("module"));
        if (kind == "call")
            return call(message);
        if (kind == "log")
            return Value(Value::Map{});
        return Error{ .kind = Kind::script,
                      .why = fmt::format("the test's process sent '{}', which is no question",
                                         printable(kind.substr(0, 40))) };
    }

    Value module(const std::string& name) {
        if (++modules_ > most_modules)
            return one("error", one("why", "a test may require at most 100 modules"));
        auto text = run::read_module(source_, name, stage_.folders);
        if (!text.ok())
            return one("error", one("why", text.error().why));
        return one("source", std::move(text).value());
    }

    Result<Value> call(const Value& message) {
        auto value = kit_.call(message.text_at("primitive"), message.at("arguments"));
        if (!value.ok() && value.error().kind == Kind::cancelled)
            return value;
        if (!value.ok())
            return one("error", run::to_value(value.error()));
        return one("value", std::move(value).value());
    }

    run::Worker& worker_;
    const run::Source& source_;
    const Stage& stage_;
    Kit& kit_;
    std::size_t modules_ = 0;
};

} // namespace

Result<Covered> run_test_file(const std::string& name, const Stage& stage, const Each& each) {
    const auto source = TRY(run::find_runbook(name, stage.folders));
    auto message = run::task_message("test", source, Kit::stubs());
    message.emplace("globals", globals);
    auto worker = TRY(run::Worker::start(std::move(message), {}, stage.cancel));
    Kit kit(stage, source.folder, name, each);
    const auto ended = Conversation(worker, source, stage, kit).hold();
    if (!ended.ok() && ended.error().kind == Kind::cancelled)
        return ended.error();
    if (!ended.ok())
        each({ .file = name,
               .name = kit.open_test().empty() ? "the file runs to its end" : kit.open_test(),
               .passed = false,
               .why = ended.error().why,
               .timeline = kit.timeline() });
    return kit.covered();
}

} // namespace respawn::testkit
