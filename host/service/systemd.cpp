#include "service/managers.h"

#include <charconv>
#include <ctime>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

#include "base/text.h"
#include "service/ask.h"
#include "service/processes.h"

namespace respawn::service {

namespace {

using Properties = std::map<std::string, std::string, std::less<>>;

// Lines of "Name=value".
Properties properties_in(std::string_view output) {
    Properties properties;
    for (const auto line : split(output, '\n'))
        if (const auto mark = line.find('='); mark != std::string_view::npos)
            properties.emplace(line.substr(0, mark), trimmed(line.substr(mark + 1)));
    return properties;
}

std::string property(const Properties& properties, std::string_view name) {
    const auto found = properties.find(name);
    return found == properties.end() ? "" : found->second;
}

std::int64_t property_number(const Properties& properties, std::string_view name) {
    const auto text = property(properties, name);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

// ActiveState, and for one that is being started again and again SubState.
State systemd_state(std::string_view active, std::string_view sub) {
    if (sub == "auto-restart" || sub == "auto-restart-queued")
        return State::flapping;
    if (active == "active" || active == "reloading" || active == "refreshing")
        return State::running;
    if (active == "activating")
        return State::starting;
    if (active == "deactivating")
        return State::stopping;
    return active == "failed" ? State::failed : State::stopped;
}

// Microseconds since the boot, without the time that the machine slept.
Moment moment_of_monotonic(std::int64_t microseconds) {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    const auto present = std::int64_t{ time.tv_sec } * 1'000'000 + time.tv_nsec / 1000;
    return { now().microseconds - present + microseconds };
}

Unit unit_shown(const Properties& shown) {
    Unit unit{ .state = systemd_state(property(shown, "ActiveState"), property(shown, "SubState")),
               .pid = property_number(shown, "MainPID"),
               .restarts = property_number(shown, "NRestarts") };
    const auto began = property_number(shown, "ExecMainStartTimestampMonotonic");
    if (unit.pid > 0 && began > 0)
        unit.since = moment_of_monotonic(began);
    if (const auto process = find_process(unit.pid); process && unit.pid > 0)
        unit.process_start = process->start;
    if (unit.state == State::failed || unit.state == State::flapping) {
        unit.exit_code = static_cast<int>(property_number(shown, "ExecMainStatus"));
        unit.why = printable("result " + property(shown, "Result"));
    }
    return unit;
}

class Systemd final : public Manager {
  public:
    explicit Systemd(config::ServiceSettings settings)
        : command_(settings.command.empty() ? std::vector<std::string>{ "systemctl" }
                                            : std::move(settings.command)) {}

    Result<Unit> look(const config::UnitSettings& unit) override {
        constexpr std::string_view wanted =
            "--property=LoadState,ActiveState,SubState,Result,MainPID,NRestarts,ExecMainStatus,"
            "ExecMainStartTimestampMonotonic";
        const auto ended = TRY(ask_program(command_, { "show", std::string(wanted), "--", unit.name }));
        const auto shown = properties_in(ended.output);
        if (ended.status != 0 || !shown.contains("LoadState"))
            return refused_by(command_.front(), ended);
        if (const auto load = property(shown, "LoadState"); load != "loaded")
            return Unit{ .state = State::unknown, .why = printable("systemd says that it is " + load) };
        return unit_shown(shown);
    }
    // Without waiting: what becomes of it is for us to see. What failed too often before may start
    // again.
    Result<void> ask_to_start(const config::UnitSettings& unit) override {
        (void)ask_program(command_, { "reset-failed", "--", unit.name });
        return tell({ "start", "--no-block", "--", unit.name });
    }
    Result<void> ask_to_stop(const config::UnitSettings& unit) override {
        return tell({ "stop", "--no-block", "--", unit.name });
    }
    Result<void> kill(const config::UnitSettings& unit) override {
        return tell({ "kill", "--signal=KILL", "--", unit.name });
    }
    // root may; sudo says whether it would; what polkit would say is only known when it is asked.
    Result<std::string> what_forbids(const config::UnitSettings& unit) override {
        if (command_.front() != "sudo")
            return std::string();
        auto listing = command_;
        listing.insert(listing.begin() + 1, { "-n", "-l" });
        for (const auto verb : { "start", "stop" }) {
            const auto ended = TRY(ask_program(listing, { verb, "--no-block", "--", unit.name }));
            if (ended.status != 0)
                return fmt::format("sudo does not allow: {} {} --no-block -- {}",
                                   printable(join(command_, " ")), verb, unit.name);
        }
        return std::string();
    }

  private:
    Result<void> tell(const std::vector<std::string>& arguments) const {
        const auto ended = TRY(ask_program(command_, arguments));
        if (ended.status != 0)
            return refused_by(command_.front(), ended);
        return {};
    }

    std::vector<std::string> command_;
};

} // namespace

std::unique_ptr<Manager> open_systemd(const config::ServiceSettings& settings) {
    return std::make_unique<Systemd>(settings);
}

} // namespace respawn::service
