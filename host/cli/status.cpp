#include "base/text.h"
#include "cli/output.h"
#include "cli/run_view.h"
#include "cli/snapshot_view.h"
#include "cli/verb.h"
#include "run/recorded.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

// What is protected, how old, what is wrong; and the one command that helps most.
struct State {
    std::vector<vault::Snapshot> snapshots;
    Proofs proofs;
    std::vector<journal::RunRecord> open_runs;
    std::vector<service::Stopped> stopped; // services that runs have left down
    std::optional<Error> vault_error, journal_error;
    std::string recovery_key;        // "stored", "not confirmed", "none"; empty while there is no vault
    std::vector<std::string> places; // what is wrong with locations, a line each
    std::string next;                // command
    bool bad = false;
};

const vault::Snapshot* newest_good(const std::vector<vault::Snapshot>& snapshots,
                                   const std::string& component) {
    for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
        const auto* record = snapshot->component(component);
        if (record && record->success && record->error.empty())
            return &*snapshot;
    }
    return nullptr;
}

void suggest(State& state, std::string command) {
    if (state.next.empty())
        state.next = std::move(command);
}

std::string recovery_of(const vault::Vault& vault) {
    std::string found = "none";
    for (const auto& key : vault.keys())
        if (key.kind == vault::SlotKind::recovery) {
            if (key.confirmed.microseconds != 0)
                return "stored";
            found = "not confirmed";
        }
    return found;
}

// Whoever loses the key loses every backup, so this is said until it cannot happen.
void nag_about_recovery(State& state) {
    if (state.recovery_key == "none") {
        say(fmt::format("  {:<12} {}", "recovery key",
                        painted("none: with the key lost, every backup is", Colour::yellow)));
        suggest(state, "respawn keys add --recovery");
    } else if (state.recovery_key == "not confirmed") {
        say(fmt::format("  {:<12} {}", "recovery key",
                        painted("made, but nobody has shown that it was stored", Colour::yellow)));
        suggest(state, "respawn keys confirm-recovery");
    }
}

// Locations that do not answer, or lack something.
void look_at_places(State& state, run::Game& game) {
    auto opened = game.places();
    if (!opened.ok() || opened.value()->all().size() < 2)
        return;
    auto& places = *opened.value();
    for (auto& place : places.all())
        (void)places.open(place);
    const auto shortfalls = places.shortfalls();
    for (std::size_t i = 0; i < shortfalls.size(); ++i) {
        const auto& place = places.all()[i];
        if (place.error && (place.error->kind != Kind::missing || place.seen))
            state.places.push_back(fmt::format("{} does not answer: {}", place.name, place.error->why));
        else if (place.error || !shortfalls[i].lacks.empty())
            state.places.push_back(
                fmt::format("{} lacks {}", place.name,
                            place.error ? std::string("everything so far")
                                        : fmt::format("{}, {} behind",
                                                      counted(shortfalls[i].lacks.size(), "backup"),
                                                      human_duration(Duration(shortfalls[i].lag)))));
    }
    if (!state.places.empty()) {
        state.bad = true;
        suggest(state, "respawn locations");
    }
}

State look(run::Game& game) {
    State state;
    auto vault = game.vault();
    if (vault.ok()) {
        auto snapshots = vault.value()->snapshots();
        if (snapshots.ok())
            state.snapshots = std::move(snapshots).value();
        else
            state.vault_error = snapshots.error();
        state.recovery_key = recovery_of(*vault.value());
        if (!state.vault_error)
            state.proofs = proofs_in(*vault.value());
        look_at_places(state, game);
    } else if (io::is_there(game.config().state / "vault-seen") ||
               vault.error().kind != Kind::missing) {
        state.vault_error = vault.error();
    }
    if (state.vault_error) {
        state.bad = true;
        suggest(state, state.vault_error->fix);
    }
    if (!vault.ok())
        return state;
    auto journal = game.journal();
    auto runs = journal.ok() ? journal.value()->runs(100)
                             : Result<std::vector<journal::RunRecord>>(journal.error());
    if (!runs.ok()) {
        state.journal_error = runs.error();
        state.bad = true;
        return state;
    }
    for (auto& run : runs.value()) {
        const auto name = state_of(run);
        if (name == "running" || name == "interrupted" || name == "parked")
            state.open_runs.push_back(run);
        if (name == "interrupted" || name == "parked") {
            state.bad = true;
            suggest(state, "respawn resume " + run.id);
        }
    }
    state.stopped = stopped_units(game);
    if (!state.stopped.empty()) {
        state.bad = true;
        suggest(state, "respawn services");
    }
    return state;
}

Value json_of(const run::Game& game, const State& state) {
    Value::List components;
    for (const auto& settings : game.config().components) {
        const auto* snapshot = newest_good(state.snapshots, settings.name);
        components.push_back(Value::Map{
            { "name", settings.name },
            { "type", settings.kind },
            { "last_good", snapshot ? Value(snapshot->id) : Value() },
            { "proof", snapshot ? Value(proof_of(snapshot->id, state.proofs)) : Value() },
            { "age_seconds",
              snapshot ? Value((now().microseconds - snapshot->started) / 1'000'000) : Value() } });
    }
    Value::List stopped;
    for (const auto& one : state.stopped)
        stopped.push_back(Value::Map{ { "unit", one.unit }, { "run", one.run() } });
    Value::List runs;
    for (const auto& run : state.open_runs)
        runs.push_back(cli::to_value(run));
    return Value::Map{
        { "game", game.config().game },
        { "environment", game.config().environment },
        { "snapshots", static_cast<std::int64_t>(state.snapshots.size()) },
        { "components", std::move(components) },
        { "open_runs", std::move(runs) },
        { "stopped_services", std::move(stopped) },
        { "locations", Value::List(state.places.begin(), state.places.end()) },
        { "healthy", !state.bad },
        { "recovery_key", state.recovery_key.empty() ? Value() : Value(state.recovery_key) },
        { "vault_error", state.vault_error ? run::to_value(*state.vault_error) : Value() },
        { "next", state.next }
    };
}

void show(const run::Game& game, State& state) {
    say(fmt::format("{} ({})", painted(game.config().game, Colour::bold), game.config().environment));
    for (const auto& settings : game.config().components) {
        const auto* snapshot = newest_good(state.snapshots, settings.name);
        if (!snapshot)
            suggest(state, "respawn backup");
        say(fmt::format("  {:<12} {:<8} {}", settings.name, settings.kind,
                        snapshot
                            ? fmt::format("last good backup {} ({}), {}", age_of(snapshot->started),
                                          snapshot->id, proof_of(snapshot->id, state.proofs))
                            : painted("NO GOOD BACKUP YET", Colour::red)));
    }
    std::uint64_t stored = 0;
    for (const auto& snapshot : state.snapshots)
        stored += snapshot.stored_bytes;
    say(fmt::format("  {:<12} {}, {} written, at {}", "vault",
                    counted(state.snapshots.size(), "backup"), human_size(stored),
                    game.config().locations.front().url));
    for (const auto* error : { &state.vault_error, &state.journal_error })
        if (*error)
            say(fmt::format("  {}  {}", painted("WRONG", Colour::red), printable((*error)->why)));
    for (const auto& place : state.places)
        say(fmt::format("  {:<12} {}", "location", painted(printable(place), Colour::yellow)));
    for (const auto& run : state.open_runs)
        say(fmt::format("  {:<12} {} {} in {} since {}", painted(shown_state(run), Colour::yellow),
                        run.id, run.runbook, run.phase.empty() ? "start" : run.phase,
                        to_rfc3339(run.started, true)));
    for (const auto& one : state.stopped)
        say(fmt::format("  {:<12} {} is down, stopped by run {}", painted("service", Colour::yellow),
                        one.unit, one.run()));
    nag_about_recovery(state);
    say(fmt::format("Next: {}", state.next.empty() ? "all is well; respawn --help lists what there is"
                                                   : state.next));
}

Result<int> show_status(const Context& context) {
    auto game = TRY(context.game(config::Strictness::lenient));
    auto state = look(game);
    if (context.json)
        say_json(json_of(game, state));
    else
        show(game, state);
    return state.bad ? 4 : 0;
}

} // namespace

extern const Verb status = {
    .name = "status",
    .summary = "What is protected, how old, what is wrong, what to type next: one screen.",
    .details = "Exit 4 when something is wrong or waits.",
    .example = "respawn status",
    .run = show_status,
};

} // namespace respawn::cli
