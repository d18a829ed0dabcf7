#include "cli/place_view.h"

#include "base/text.h"
#include "cli/output.h"
#include "location/locations.h"
#include "run/proofs.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

struct Line {
    const run::Place* place = nullptr;
    std::string state, why;
    std::uint64_t snapshots = 0;
    run::Shortfall shortfall;
    run::Proofs proofs;
    std::optional<std::uint64_t> free_bytes;
};

std::optional<std::uint64_t> free_bytes_of(const run::Place& place) {
    const auto folder = location::local_folder(place.url);
    if (folder.empty())
        return std::nullopt;
    const auto free = io::free_space(folder);
    return free.ok() ? std::optional(free.value()) : std::nullopt;
}

bool is_damaged(const Line& line) {
    return (line.proofs.structure && line.proofs.structure->damaged > 0) ||
           (line.proofs.data && line.proofs.data->damaged > 0 && line.proofs.structure &&
            line.proofs.data->at.microseconds == line.proofs.structure->at.microseconds);
}

void judge_closed(Line& line) {
    const auto& error = *line.place->error;
    line.why = error.why;
    if (error.kind == Kind::missing)
        line.state = line.place->seen ? "gone" : "empty";
    else
        line.state = error.kind == Kind::conflict ? "other vault" : "unreachable";
}

void judge_open(Line& line) {
    const auto known = line.place->vault->known_damage();
    if (is_damaged(line) || known > 0) {
        line.state = "damaged";
        line.why = known > 0 ? fmt::format("{} known to be damaged", counted(known, "blob"))
                             : "the last check found damage";
    } else if (!line.shortfall.lacks.empty()) {
        line.state = "behind";
        line.why = fmt::format("lacks {}", counted(line.shortfall.lacks.size(), "backup"));
    } else {
        line.state = "ok";
    }
}

std::vector<Line> look(run::Game& game, run::Places& places) {
    for (auto& place : places.all())
        (void)places.open(place);
    const auto shortfalls = places.shortfalls();
    std::vector<Line> lines;
    for (std::size_t i = 0; i < shortfalls.size(); ++i) {
        const auto& place = places.all()[i];
        Line line{ .place = &place,
                   .state = {},
                   .why = {},
                   .shortfall = shortfalls[i],
                   .proofs = run::read_proofs(game.config(), place.url),
                   .free_bytes = free_bytes_of(place) };
        if (place.vault) {
            std::vector<vault::Damage> damaged;
            const auto list = place.vault->own_snapshots(&damaged);
            line.snapshots = list.ok() ? list.value().size() : 0;
            judge_open(line);
        } else {
            judge_closed(line);
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

Value json_of(const std::optional<run::Proof>& proof) {
    if (!proof)
        return {};
    return Value::Map{ { "time", to_rfc3339(proof->at) },
                       { "host", proof->host },
                       { "damaged", static_cast<std::int64_t>(proof->damaged) },
                       { "share", proof->share } };
}

Value json_of(const std::vector<Line>& lines) {
    Value::List list;
    for (const auto& line : lines)
        list.push_back(Value::Map{
            { "name", line.place->name },
            { "url", line.place->url },
            { "state", line.state },
            { "why", line.why },
            { "snapshots", static_cast<std::int64_t>(line.snapshots) },
            { "lacks", Value::List(line.shortfall.lacks.begin(), line.shortfall.lacks.end()) },
            { "lag_seconds", line.shortfall.lag / 1'000'000 },
            { "structure_proof", json_of(line.proofs.structure) },
            { "data_proof", json_of(line.proofs.data) },
            { "free_bytes",
              line.free_bytes ? Value(static_cast<std::int64_t>(*line.free_bytes)) : Value() } });
    return list;
}

std::string proof_text(const run::Proofs& proofs) {
    if (!proofs.structure)
        return "never";
    const auto text = [](const run::Proof& proof) {
        return fmt::format("{}{}", age_of(proof.at.microseconds),
                           proof.damaged > 0 ? painted(" DAMAGED", Colour::red) : "");
    };
    if (!proofs.data)
        return text(*proofs.structure) + ", data never";
    if (proofs.data->at.microseconds == proofs.structure->at.microseconds)
        return "all data " + text(*proofs.data);
    return fmt::format("{}, data {}", text(*proofs.structure), text(*proofs.data));
}

void show(const std::vector<Line>& lines) {
    Table table({ "name", "state", "backups", "lacks", "lag", "last proof", "free", "url" });
    for (const auto& line : lines)
        table.add({ line.place->name, line.state, std::to_string(line.snapshots),
                    std::to_string(line.shortfall.lacks.size()),
                    line.shortfall.lag > 0 ? human_duration(Duration(line.shortfall.lag)) : "-",
                    proof_text(line.proofs), line.free_bytes ? human_size(*line.free_bytes) : "-",
                    printable(line.place->url) });
    say(table.text());
    for (const auto& line : lines)
        if (line.state != "ok")
            say(fmt::format("{}: {}", line.place->name, printable(line.why)));
}

void say_next(const std::vector<Line>& lines) {
    for (const auto& line : lines)
        if (line.state == "behind" || line.state == "empty")
            return tell("Next: respawn replicate");
        else if (line.state == "damaged")
            return tell("Next: respawn repair --from " + line.place->name);
}

Result<int> list_locations(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto& places = *TRY(game.places());
    const auto any = places.first(false); // knows which vault it is
    (void)places.take_notices();
    const auto lines = look(game, places);
    if (context.json)
        say_json(json_of(lines));
    else
        show(lines);
    say_next(lines);
    bool well = any.ok();
    for (const auto& line : lines)
        well = well && line.state == "ok";
    return well ? 0 : 4;
}

} // namespace

extern const Verb locations = {
    .name = "locations",
    .summary = "Shows each location of the vault: its state, what it lacks, when it was last proved.",
    .details =
        "States: ok, behind (respawn replicate), empty (the next backup or replicate fills it), "
        "unreachable, gone (a vault\nwas there before), other vault, damaged (respawn repair). "
        "The lag is from its newest good backup to the newest good\none anywhere. Exit 4 when one "
        "is not ok.",
    .example = "respawn locations",
    .run = list_locations,
};

} // namespace respawn::cli
