#include "service/managers.h"

#include <charconv>
#include <fmt/format.h>

#include "base/text.h"
#include "service/ask.h"
#include "service/processes.h"

namespace respawn::service {

namespace {

// What sv says of a service: "run: /etc/service/game: (pid 7) 12s, want down, got TERM; run: log: …".
Unit unit_said_by_sv(std::string_view line) {
    line = line.substr(0, line.find("; ")); // behind it the logger's own
    const auto says = [&](std::string_view word) { return line.find(word) != std::string_view::npos; };
    Unit unit{ .state = State::stopped };
    if (const auto at = line.find("(pid "); at != std::string_view::npos)
        std::from_chars(line.data() + at + 5, line.data() + line.size(), unit.pid);
    if (line.starts_with("run:"))
        unit.state = says("want down") ? State::stopping : State::running;
    else if (line.starts_with("finish:")) // its ./finish runs: it has ended
        unit.state = says("want down") ? State::stopping : State::flapping;
    else if (says("want up"))
        unit.state = State::flapping; // it has ended, and is started again in a second
    if (const auto process = find_process(unit.pid); process && unit.pid > 0) {
        unit.process_start = process->start;
        unit.since = moment_of(process->start);
    }
    return unit;
}

class Runit final : public Manager {
  public:
    explicit Runit(config::ServiceSettings settings)
        : settings_(std::move(settings)),
          command_(settings_.command.empty() ? std::vector<std::string>{ "sv" } : settings_.command) {}

    Result<Unit> look(const config::UnitSettings& unit) override {
        const auto ended = TRY(ask("status", unit));
        const auto line = std::string_view(ended.output).substr(0, ended.output.find('\n'));
        if (line.starts_with("run:") || line.starts_with("down:") || line.starts_with("finish:"))
            return unit_said_by_sv(line);
        if (line.find("file does not exist") != std::string_view::npos &&
            line.find("unable to change to service directory") != std::string_view::npos)
            return Unit{ .state = State::unknown,
                         .why = fmt::format("there is no {}",
                                            printable((settings_.folder / unit.name).string())) };
        return refused_by(command_.front(), ended);
    }
    Result<void> ask_to_start(const config::UnitSettings& unit) override { return tell("up", unit); }
    Result<void> ask_to_stop(const config::UnitSettings& unit) override { return tell("down", unit); }
    Result<void> kill(const config::UnitSettings& unit) override { return tell("kill", unit); }
    // Who may ask has opened the pipe that runsv is told through.
    Result<std::string> what_forbids(const config::UnitSettings&) override { return std::string(); }

  private:
    Result<io::Ended> ask(const std::string& verb, const config::UnitSettings& unit) const {
        return ask_program(command_, { verb, (settings_.folder / unit.name).string() });
    }
    Result<void> tell(const std::string& verb, const config::UnitSettings& unit) const {
        const auto ended = TRY(ask(verb, unit));
        if (ended.status != 0)
            return refused_by(command_.front(), ended);
        return {};
    }

    config::ServiceSettings settings_;
    std::vector<std::string> command_;
};

} // namespace

std::unique_ptr<Manager> open_runit(const config::ServiceSettings& settings) {
    return std::make_unique<Runit>(settings);
}

} // namespace respawn::service
