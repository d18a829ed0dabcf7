// A castle with a game, saves, and one backup of both: where rehearsals are tested.
#pragma once

#include "run/engine.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

namespace respawn::testing {

using run::Rehearsed;

// How often `respawn.bare()` was really done: an effect that does not say what it gives when it is only
// recorded.
extern int acted;

struct Listening final : run::Listener {
    std::vector<std::string> logs;
    std::function<void(std::string_view)> on_phase;
    void phase(std::string_view name) override {
        if (on_phase)
            on_phase(name);
    }
    void log(std::string_view text) override { logs.emplace_back(text); }
    void done(const run::Step&, const run::Done&) override {}
};

struct Castle {
    Castle();
    void open(); // anew, as another process would
    std::string back_up();
    void sql(const std::string& text) const;
    std::string rows() const;
    // A runbook whose phases are these lines.
    void book(const std::string& phases, const std::string& more = "") const;
    static std::string paying(const std::string& amount = "50", const std::string& player = "1") {
        return "respawn.write { why = 'pay', changes = { { update = 'players', key = { id = " + player +
               " }, add = { galleons = " + amount + " }, once = 'pay:1' } } }";
    }
    run::Request request() const {
        return { .runbook = "book", .parameters = {}, .operator_name = "ada", .reason = {} };
    }
    Result<Rehearsed> try_rehearse(const run::Rehearsing& how = {}) {
        return engine->rehearse(request(), how, listener);
    }
    Rehearsed rehearsed(const run::Rehearsing& how = {});
    Rehearsed passed(const run::Rehearsing& how = {});
    run::Planned planned();
    Result<run::Outcome> perform() { return engine->perform(request(), planned().plan, listener); }
    std::vector<journal::RehearsalRecord> recorded() {
        return game->journal().value()->rehearsals(100, {}).value();
    }
    // What a rehearsal leaves in its place: nothing but who works there.
    void left_nothing() const;

    io::TemporaryFolder folder =
        io::TemporaryFolder::make(io::is_there("/dev/shm") ? "/dev/shm" : io::Path()).value();
    io::Path root = folder.path();
    config::Config config;
    run::Primitives primitives;
    Cancellation cancel;
    Listening listener;
    std::unique_ptr<run::Game> game;
    std::unique_ptr<run::Engine> engine;
    std::string backup;
};

} // namespace respawn::testing
