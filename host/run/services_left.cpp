#include "run/services_left.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

using Lines = std::vector<std::string>;

std::string line_of(const service::Services::BroughtBack& one) {
    if (one.left_down)
        return fmt::format("{} is DOWN: the runbook wants it so where it fails", one.unit);
    if (one.error)
        return fmt::format("{} is DOWN, and could not be started again: {}", one.unit, one.error->why);
    return fmt::format("{} was started again", one.unit);
}

Result<Lines> left_down(service::Services& services, const std::string& run) {
    Lines lines;
    for (const auto& one : TRY(services.stopped()))
        if (one.run() == run)
            lines.push_back(fmt::format("{} is down, as this run left it", one.unit));
    return lines;
}

// Also after Ctrl-C, so it is not asked here.
Result<Lines> started_again(service::Services& services, const std::string& run, bool for_good) {
    Lines lines;
    for (const auto& one : TRY(services.bring_back(run, for_good, Cancellation())))
        lines.push_back(line_of(one));
    return lines;
}

Result<Lines> look_after(Game& game, journal::Journal& journal, const std::string& run, RunEnd end) {
    auto* services = TRY(game.services());
    if (end == RunEnd::well)
        return left_down(*services, run);
    // Another process that has taken the run over needs them as they are.
    TRY(journal.must_hold(run));
    return started_again(*services, run, end == RunEnd::for_good);
}

} // namespace

std::vector<std::string> services_left(Game& game, journal::Journal& journal, const std::string& run,
                                       RunEnd end) {
    if (!game.config().services)
        return {};
    auto lines = look_after(game, journal, run, end);
    if (lines.ok())
        return std::move(lines).value();
    return { fmt::format("services that it stopped may be down ({}); see: respawn services",
                         lines.error().why) };
}

} // namespace respawn::run
