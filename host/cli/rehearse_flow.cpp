#include "cli/rehearse_flow.h"

#include "base/text.h"
#include "cli/output.h"
#include "cli/person.h"
#include "cli/rehearsal_view.h"
#include "cli/run_view.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// "copying database", while one is brought back.
class CopyBar {
  public:
    void show(const std::string& component, std::uint64_t done, std::uint64_t total) {
        if (component != std::exchange(shown_, component))
            bar_.emplace("copying " + component);
        bar_->show(done, total);
    }
    void clear() {
        bar_.reset();
        shown_.clear();
    }

  private:
    std::string shown_;
    std::optional<ProgressBar> bar_;
};

// Takes the bar away before a line is said.
class ClearedPrinter final : public run::Listener {
  public:
    explicit ClearedPrinter(CopyBar& bar) : bar_(bar) {}
    void phase(std::string_view name) override {
        bar_.clear();
        printer_.phase(name);
    }
    void log(std::string_view text) override {
        bar_.clear();
        printer_.log(text);
    }
    void done(const run::Step& step, const run::Done& done) override {
        bar_.clear();
        printer_.done(step, done);
    }
    void finish() { printer_.finish(); }

  private:
    CopyBar& bar_;
    RunPrinter printer_{ rehearsal_words };
};

int exit_code_of(const run::Rehearsed& done) {
    if (!done.error)
        return 0;
    return done.error->kind == Kind::not_needed ? 4 : run::exit_code(done.error->kind);
}

// What was not as it will be.
void show_limits(const run::Rehearsed& done) {
    for (const auto& what : done.read_live)
        say(fmt::format("What the {} says was read live: there is no copy of it.", what));
}

int show_end(const run::Rehearsed& done, const RunCommand& command) {
    const auto& record = done.record;
    show_limits(done);
    const auto times = times_of(record) +
                       (done.rto ? fmt::format(" (rto {})", human_duration(*done.rto)) : std::string());
    if (!done.error) {
        say(fmt::format(
            "{}: took {}. Nothing live was changed. To look at it again: respawn runs show {}",
            painted("Passed", Colour::green), times, record.id));
        return 0;
    }
    auto error = *done.error;
    if (error.what.empty()) {
        error.what = "rehearse " + record.runbook;
        error.on = record.backup.empty() ? "" : "backup " + record.backup;
    }
    if (error.kind == Kind::not_needed) {
        error.why = "nothing needed doing in the copy: " + error.why;
        error.fix = fmt::format("take another backup (--backup), or go on all the same: {} --rehearse "
                                "--regardless",
                                command.text);
    }
    tell(
        error_text(error, fmt::format("nothing live was changed; rehearsal {} took {} and did not pass",
                                      record.id, times)));
    return exit_code_of(done);
}

Value rehearsed_json(const run::Rehearsed& done, const Value::List& timeline) {
    auto answer = *to_value(done.record).map();
    answer.insert_or_assign("mode", "rehearsal");
    answer.insert_or_assign("rto_seconds",
                            done.rto ? Value(static_cast<double>(done.rto->count()) / 1e6) : Value());
    answer.insert_or_assign("read_live", Value::List(done.read_live.begin(), done.read_live.end()));
    answer.insert_or_assign("timeline", timeline);
    return answer;
}

} // namespace

std::vector<Option> with_rehearsing(std::vector<Option> own) {
    for (const auto& option : std::vector<Option>{
             { .name = "--rehearse",
               .doc =
                   "do it on a scratch copy of the newest backup: writes are made there, messages are "
                   "only recorded" },
             { .name = "--backup",
               .value = "BACKUP",
               .doc = "which backup to rehearse on: an id, latest:PLAN, @TIME" },
             { .name = "--regardless", .doc = "rehearse on where nothing needs doing in the copy" } })
        own.push_back(option);
    return own;
}

Result<bool> is_rehearsal(const Context& context) {
    const bool rehearsal = context.typed.has("--rehearse");
    for (const std::string_view other : { "--dry-run", "--plan", "--yes" })
        if (rehearsal && context.typed.has(other))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("--rehearse and {} are two ways to run it", other),
                          .fix = "give one of them" };
    for (const std::string_view part : { "--backup", "--regardless" })
        if (!rehearsal && context.typed.has(part))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("{} says how to rehearse", part),
                          .fix = "add --rehearse, or leave it out" };
    return rehearsal;
}

Result<int> rehearse(const Context& context, const RunCommand& command) {
    auto game = TRY(context.game(config::Strictness::lenient));
    AtCommandLine person(context);
    run::Engine engine(game, context.primitives, context.folders(game.config()), context.cancel,
                       person);
    announce(context, "REHEARSAL", command.shown, game);
    CopyBar bar;
    ClearedPrinter printer(bar);
    RunRecorder recorder;
    const run::Rehearsing how{ .backup = context.typed.value("--backup"),
                               .regardless = context.typed.has("--regardless"),
                               .progress = [&](const std::string& component, std::uint64_t done,
                                               std::uint64_t total) {
                                   if (!context.json)
                                       bar.show(component, done, total);
                               } };
    const auto done = engine.rehearse(command.request, how,
                                      context.json ? static_cast<run::Listener&>(recorder) : printer);
    bar.clear();
    if (!done.ok())
        return done.error();
    if (context.json) {
        say_json(rehearsed_json(done.value(), recorder.timeline()));
        return exit_code_of(done.value());
    }
    printer.finish();
    return show_end(done.value(), command);
}

} // namespace respawn::cli
