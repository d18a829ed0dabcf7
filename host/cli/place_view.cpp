#include "cli/place_view.h"

#include "base/text.h"
#include "cli/output.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::cli {

Value to_value(const run::PlaceReport& report) {
    Value::List failed;
    for (const auto& one : report.report.failed)
        failed.push_back(Value::Map{ { "object", one.object }, { "why", one.why } });
    return Value::Map{ { "name", report.name },
                       { "url", report.url },
                       { "success", report.ok() },
                       { "copied",
                         Value::List(report.report.copied.begin(), report.report.copied.end()) },
                       { "healed_blobs", static_cast<std::int64_t>(report.report.healed) },
                       { "stored_bytes", static_cast<std::int64_t>(report.report.stored_bytes) },
                       { "failed", std::move(failed) },
                       { "error", report.error ? Value(report.error->why) : Value() } };
}

bool tell_shortfalls(const std::vector<run::PlaceReport>& reports) {
    bool all = true;
    for (const auto& report : reports) {
        if (report.error) {
            tell(fmt::format("warning: location {} ({}) was not brought up to date: {}", report.name,
                             printable(report.url), printable(report.error->why)));
            tell(fmt::format("  do     {}", report.error->fix.empty()
                                                ? "when it answers again: respawn replicate"
                                                : report.error->fix));
        }
        for (const auto& failed : report.report.failed)
            tell(fmt::format("warning: location {} did not get {}: {}", report.name, failed.object,
                             printable(failed.why)));
        all = all && report.ok();
    }
    if (!all)
        tell(
            "the backup itself is safe where it was stored; `respawn replicate` catches the others up");
    return all;
}

Shared share_with_others(const Context& context, run::Game& game) {
    Shared shared;
    const auto places = game.places();
    if (!places.ok())
        return shared;
    std::optional<ProgressBar> bar;
    if (places.value()->all().size() > 1)
        bar.emplace("copying to the other locations");
    shared.places = places.value()->copy_to_others(
        context.cancel, [&](std::uint64_t done, std::uint64_t total) { bar->show(done, total); });
    bar.reset();
    for (const auto& notice : places.value()->take_notices()) {
        tell("warning: " + notice);
        shared.all = false;
    }
    shared.all = tell_shortfalls(shared.places) && shared.all;
    return shared;
}

Value locations_of(run::Game& game, const Shared& shared) {
    Value::List list;
    const auto places = game.places();
    if (!places.ok() || !places.value()->first_place())
        return list;
    for (const auto& place : places.value()->all()) {
        const auto report = std::ranges::find(shared.places, place.name, &run::PlaceReport::name);
        const bool first = &place == places.value()->first_place();
        const bool has = first || (report != shared.places.end() && !report->error);
        list.push_back(Value::Map{
            { "name", place.name },
            { "url", place.url },
            { "success", has },
            { "error", has || report == shared.places.end() ? Value() : Value(report->error->why) } });
    }
    return list;
}

Result<void> must_have_all_keys(OpenVault& open) {
    if (!open.game)
        return {};
    auto& places = *TRY(open.game->places());
    for (const auto& report : places.share_keys())
        if (report.error && report.error->kind == Kind::conflict)
            return *report.error;
    return places.must_know_newest_keys();
}

int share_keys(OpenVault& open) {
    const auto places = open.game ? open.game->places() : Result<run::Places*>(Error{});
    if (!places.ok())
        return 0;
    int code = 0;
    for (const auto& report : places.value()->share_keys())
        if (report.error) {
            tell(fmt::format("warning: location {} did not get the new keys: {}", report.name,
                             printable(report.error->why)));
            tell(fmt::format("  do     {}", report.error->fix.empty()
                                                ? "when it answers again: respawn replicate"
                                                : report.error->fix));
            code = 3;
        }
    return code;
}

Result<std::vector<run::Place*>> asked_places(const Context& context, run::Game& game) {
    auto* places = TRY(game.places());
    std::vector<run::Place*> asked;
    if (context.typed.has("--from"))
        TRY(places->only(context.typed.value("--from")));
    TRY(places->first(false));
    (void)places->take_notices(); // each place says its own
    for (auto& place : places->all())
        if (!context.typed.has("--from") || &place == places->first_place()) {
            (void)places->open(place);
            asked.push_back(&place);
        }
    return asked;
}

Result<int> at_each(const std::vector<run::Place*>& places,
                    const std::function<Result<void>(run::Place&)>& act) {
    std::optional<Error> first;
    std::vector<std::string> failed;
    for (auto* place : places) {
        auto done = place->error ? Result<void>(*place->error) : act(*place);
        if (done.ok())
            continue;
        if (done.error().kind == Kind::cancelled)
            return done.error();
        failed.push_back(fmt::format("warning: not done at location {}: {}", place->name,
                                     printable(done.error().why)));
        if (!first || (place->vault && first->kind == Kind::missing))
            first = done.error();
    }
    if (failed.size() == places.size() && first)
        return *first;
    for (const auto& line : failed)
        tell(line);
    if (!failed.empty())
        tell("  do     the same again when it answers");
    return failed.empty() ? 0 : 3;
}

} // namespace respawn::cli
