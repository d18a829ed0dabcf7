#include "service/services.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "base/value.h"
#include "service/health.h"
#include "service/moves.h"

namespace respawn::service {

namespace {

// The kernel's time of a process's start may be so much too early: it counts in ticks.
constexpr Duration one_tick = std::chrono::milliseconds(20);

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

} // namespace

Result<Services> open_services(const config::ServiceSettings& settings, const io::Path& notes) {
    return Services(settings, TRY(open_manager(settings)), notes);
}

Services::Services(config::ServiceSettings settings, std::unique_ptr<Manager> manager, io::Path notes)
    : settings_(std::move(settings)), manager_(std::move(manager)), notes_(std::move(notes)) {}

Result<const config::UnitSettings*> Services::unit(std::string_view name) const {
    if (const auto* found = settings_.unit(name))
        return found;
    Names names;
    for (const auto& one : settings_.units)
        names.push_back(one.name);
    const auto near = nearest(name, names);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("there is no service '{}' in the configuration", printable(name)),
                  .fix = near.empty() ? "there is: " + join(names, ", ")
                                      : fmt::format("did you mean {}?", near) };
}

// Names that come from ourselves.
const config::UnitSettings& Services::known(std::string_view name) const {
    return *settings_.unit(name);
}

Services::Names Services::needers_of(std::string_view name) const {
    Names names;
    for (const auto& one : settings_.units)
        if (has(one.needs, name))
            names.push_back(one.name);
    return names;
}

// Units stand in the order of starting, so that one walk finds all: backwards what is needed, forwards
// what needs.
Result<std::vector<std::string>> Services::with_needs(std::string_view name) const {
    if (name != all_units)
        TRY(unit(name));
    Names wanted = { std::string(name) }, ordered;
    for (auto one = settings_.units.rbegin(); one != settings_.units.rend(); ++one) {
        if (name != all_units && !has(wanted, one->name))
            continue;
        wanted.insert(wanted.end(), one->needs.begin(), one->needs.end());
        ordered.insert(ordered.begin(), one->name);
    }
    return ordered;
}

Result<std::vector<std::string>> Services::with_needers(std::string_view name) const {
    if (name != all_units)
        TRY(unit(name));
    Names ordered;
    for (const auto& one : settings_.units)
        if (name == all_units || one.name == name ||
            std::ranges::any_of(one.needs, [&](const auto& need) { return has(ordered, need); }))
            ordered.push_back(one.name);
    return ordered;
}

Result<std::vector<Seen>> Services::look(std::string_view name, const Cancellation& cancel) {
    if (name != all_units)
        TRY(unit(name));
    std::vector<Seen> all;
    for (const auto& one : settings_.units) {
        if (name != all_units && one.name != name)
            continue;
        auto unit_now = TRY(settled(*manager_, one, cancel));
        Seen seen{ .settings = &one,
                   .unit = std::move(unit_now),
                   .needed_by = needers_of(one.name),
                   .core = has(settings_.core, one.name) };
        if (seen.unit.state == State::running)
            seen.illness = find_illness(one.health);
        else
            seen.stopped = TRY(read(one.name));
        all.push_back(std::move(seen));
    }
    return all;
}

Result<void> Services::start_one(const std::string& name, const Cancellation& cancel) {
    TRY(service::start(*manager_, known(name), cancel));
    const auto note = TRY(read(name));
    return note && !note->started_again ? io::remove_durably(note_of(name)) : Result<void>();
}

Result<void> Services::stop_one(const std::string& name, const Stopped& note,
                                const Cancellation& cancel) {
    TRY(write(note));
    TRY(service::stop(*manager_, known(name), cancel));
    return {};
}

Result<std::vector<std::string>> Services::start(std::string_view name, const Cancellation& cancel) {
    Names started;
    for (const auto& one : TRY(with_needs(name))) {
        const bool ran = TRY(manager_->look(known(one))).state == State::running;
        TRY(start_one(one, cancel));
        if (!ran)
            started.push_back(one);
    }
    return started;
}

Result<std::vector<std::string>> Services::stop(std::string_view name, std::string_view step,
                                                bool stays_down, const Cancellation& cancel) {
    auto names = TRY(with_needers(name));
    std::ranges::reverse(names);
    Names stopped;
    for (const auto& one : names) {
        const auto before = TRY(manager_->look(known(one)));
        if (before.is_gone())
            continue; // nobody owes it a start
        TRY(stop_one(one, { one, std::string(step), now(), stays_down, false }, cancel));
        stopped.push_back(one);
    }
    return stopped;
}

Result<std::vector<std::string>> Services::restart(std::string_view name, std::string_view step,
                                                   const Cancellation& cancel) {
    TRY(stop(name, step, false, cancel));
    Names started;
    for (const auto& one : TRY(with_needers(name))) {
        const auto note = TRY(read(one));
        if (one != name && name != all_units && !(note && note->step == step))
            continue;
        TRY(start(one, cancel));
        started.push_back(one);
    }
    return started;
}

Result<bool> Services::all_run(std::string_view name, const Cancellation& cancel) {
    for (const auto& one : TRY(with_needs(name))) {
        const auto unit = TRY(settled(*manager_, known(one), cancel));
        if (unit.state != State::running || !find_illness(known(one).health).empty())
            return false;
    }
    return true;
}

Result<bool> Services::all_stopped(std::string_view name) {
    for (const auto& one : TRY(with_needers(name)))
        if (!TRY(manager_->look(known(one))).is_gone())
            return false;
    return true;
}

Result<bool> Services::restarted_since(std::string_view name, std::string_view step, Moment when,
                                       const Cancellation& cancel) {
    for (const auto& one : TRY(with_needers(name))) {
        const auto note = TRY(read(one));
        const bool was_stopped = note && note->step == step;
        if (one != name && name != all_units && !was_stopped)
            continue;
        const auto unit = TRY(settled(*manager_, known(one), cancel));
        if (was_stopped || unit.state != State::running || unit.since + one_tick < when ||
            !find_illness(known(one).health).empty())
            return false;
    }
    return true;
}

Result<void> Services::write(const Stopped& note) {
    TRY(io::make_folder(notes_));
    return io::replace_durably(note_of(note.unit),
                               to_json(Value::Map{ { "step", note.step },
                                                   { "when", note.when.microseconds },
                                                   { "stays_down", note.stays_down },
                                                   { "started_again", note.started_again } }));
}

Result<std::optional<Stopped>> Services::read(const std::string& unit) const {
    const auto text = io::read_file(note_of(unit), 64 << 10);
    if (!text.ok() && text.error().kind == Kind::missing)
        return std::optional<Stopped>();
    const auto value = TRY(from_json(TRY(text)));
    const auto truth = [&](std::string_view name) {
        return value.at(name).boolean() != nullptr && *value.at(name).boolean();
    };
    return std::optional(Stopped{ .unit = unit,
                                  .step = value.text_at("step"),
                                  .when = { value.integer_at("when") },
                                  .stays_down = truth("stays_down"),
                                  .started_again = truth("started_again") });
}

Result<std::vector<Stopped>> Services::stopped() const {
    std::vector<Stopped> all;
    for (const auto& one : settings_.units)
        if (auto note = TRY(read(one.name)))
            if (TRY(manager_->look(one)).pid == 0)
                all.push_back(std::move(*note));
    return all;
}

Result<std::vector<Services::BroughtBack>> Services::bring_back(std::string_view run, bool for_good,
                                                                const Cancellation& cancel) {
    std::vector<BroughtBack> all;
    for (const auto& one : settings_.units) {
        auto note = TRY(read(one.name));
        if (!note || note->run() != run)
            continue;
        if (note->stays_down) {
            all.push_back({ .unit = one.name, .error = {}, .left_down = true });
            continue;
        }
        // The note first: killed behind it, the unit is down and the note says who stopped it.
        note->started_again = true;
        TRY(write(*note));
        const auto started = start(one.name, cancel);
        all.push_back({ .unit = one.name,
                        .error = started.ok() ? std::nullopt : std::optional(started.error()) });
        note->started_again = false;
        if (!started.ok())
            TRY(write(*note));
        else if (for_good)
            TRY(io::remove_durably(note_of(one.name)));
    }
    return all;
}

Result<void> Services::stop_again(std::string_view run, const Cancellation& cancel) {
    for (auto one = settings_.units.rbegin(); one != settings_.units.rend(); ++one) {
        auto note = TRY(read(one->name));
        if (!note || note->run() != run || !note->started_again)
            continue;
        note->started_again = false;
        TRY(stop_one(one->name, *note, cancel));
    }
    return {};
}

Result<std::string> Services::what_forbids(const config::UnitSettings& unit) {
    return manager_->what_forbids(unit);
}

} // namespace respawn::service
