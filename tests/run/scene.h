// A small game with a vault, a journal and a folder of runbooks, and an engine over it.
#pragma once

#include "base/text.h"
#include "database/sqlite_connection.h"
#include "primitives/primitives.h"
#include "run/engine.h"
#include "run/workers.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::testing {

using database::SqliteConnection;
using journal::CallState;
using run::Effect;
using run::Engine;
using run::Outcome;
using run::Planned;

// Effects of the tests' own, one for each way to settle them. Each leaves a byte in a file, so that it
// can be counted across processes; before that they do what the test wants.
inline std::function<Result<void>()> before_effect;
inline io::Path effects_file;

inline void leave_a_byte() {
    const auto old = io::is_there(effects_file) ? io::read_file(effects_file).value() : std::string();
    (void)io::replace_durably(effects_file, old + "x");
}

inline Result<Value> act(const run::Call&) {
    if (before_effect)
        TRY(before_effect());
    leave_a_byte();
    return Value("acted");
}

inline run::Primitive effect(std::string_view name, journal::Policy policy) {
    run::Primitive primitive;
    primitive.name = name;
    primitive.summary = "An effect of the tests.";
    primitive.effect = Effect::changes;
    primitive.capability = run::Capability::service;
    primitive.policy = policy;
    primitive.positional = true;
    primitive.params = { { .name = "n", .type = run::Type::integer, .doc = "any number" } };
    primitive.would = "act";
    primitive.run = act;
    return primitive;
}

inline const run::Primitive parks = effect("parks", journal::Policy::park);
inline const run::Primitive repeats = effect("repeats", journal::Policy::repeat);
inline const run::Primitive lets_go = effect("lets_go", journal::Policy::let_go);

struct Quiet final : run::Listener {
    std::vector<std::string> phases, logs, notes;
    std::function<void(std::string_view)> on_phase;
    void phase(std::string_view name) override {
        phases.emplace_back(name);
        if (on_phase)
            on_phase(name);
    }
    void log(std::string_view text) override { logs.emplace_back(text); }
    void done(const run::Step&, const run::Done& done) override { notes.push_back(done.note); }
};

inline io::TemporaryFolder quick_folder() {
    const io::Path memory = "/dev/shm";
    return io::TemporaryFolder::make(io::is_there(memory) ? memory : io::Path()).value();
}

struct Scene {
    Scene() {
        ::setenv("RESPAWN_WORKER", built("respawn-worker").c_str(), 1);
        before_effect = {};
        effects_file = root / "effects";
        REQUIRE(crypto::make_key_file(root / "key").ok());
        sql("create table players (id integer primary key, name text, galleons integer, note text);"
            "insert into players values (1, 'ada', 100, null), (2, 'lin', 20, null);");
        config.file = root / "respawn.yaml";
        config.game = "castle";
        config.environment = "test";
        config.state = root / "state";
        config.key_file = root / "key";
        config.locations = { { "local", "file://" + (root / "vault").string() } };
        config.components = { { .name = "game", .kind = "sqlite", .path = root / "game.db" } };
        config.alerts = { { .name = "ops", .kind = "file", .path = root / "messages" } };
        primitives = primitives::all();
        for (const auto* primitive : { &parks, &repeats, &lets_go })
            primitives.push_back(primitive);
        REQUIRE(run::must_be_sound(primitives).ok());
        open();
    }
    void open() {
        engine.reset();
        game = std::make_unique<run::Game>(config);
        engine =
            std::make_unique<Engine>(*game, primitives, run::Folders{ { root / "books" }, {} }, cancel);
    }
    void sql(const std::string& text) const {
        auto connection =
            SqliteConnection::open(root / "game.db", SqliteConnection::Access::create).value();
        const auto done = connection.run_script(text);
        INFO(text << (done.ok() ? "" : done.error().why));
        REQUIRE(done.ok());
    }
    std::string rows() const {
        auto connection =
            SqliteConnection::open(root / "game.db", SqliteConnection::Access::read_only).value();
        return to_text(
            connection
                .value("select group_concat(id || name || galleons || coalesce(note, ''), ' ') "
                       "from (select * from players order by id)")
                .value());
    }
    // A runbook whose phases are these lines.
    void book(const std::string& phases,
              const std::string& more =
                  "params = { amount = { type = 'integer', doc = 'how much', fallback = 50 } },",
              const std::string& uses = "'sql.read', 'sql.write', 'notify', 'service'") const {
        REQUIRE(io::make_folder(root / "books").ok());
        REQUIRE(
            io::replace_durably(root / "books/book.lua",
                                "local respawn = require 'respawn'\n"
                                "local runbook = { version = '1.0.0', summary = 'A test.', uses = { " +
                                    uses + " }, " + more +
                                    " }\n"
                                    "function runbook.diagnose(case) end\n"
                                    "function runbook.verify(case) end\n" +
                                    phases + "\nreturn runbook\n")
                .ok());
    }
    // Pays `amount` to ada in repair.
    void paying_book(const std::string& after = "", const std::string& expect = "") const {
        book("function runbook.repair(case) respawn.write { why = 'pay', changes = { { update = "
             "'players', "
             "key = { id = 1 }, add = { galleons = case.amount } " +
             expect + "} } } " + after + " end");
    }
    run::Request request(std::map<std::string, std::string> parameters = {}) const {
        return {
            .runbook = "book", .parameters = std::move(parameters), .operator_name = "ada", .reason = {}
        };
    }
    Result<Planned> plan(std::map<std::string, std::string> parameters = {}) {
        return engine->plan(request(std::move(parameters)), listener);
    }
    Planned planned(std::map<std::string, std::string> parameters = {}) {
        auto result = plan(std::move(parameters));
        INFO((result.ok() ? "" : result.error().why));
        REQUIRE(result.ok());
        return result.value();
    }
    Result<Outcome> perform(const Planned& agreed) {
        return engine->perform(request(), agreed.plan, listener);
    }
    Outcome performed() {
        auto result = perform(planned());
        INFO((result.ok() ? "" : result.error().why));
        REQUIRE(result.ok());
        return result.value();
    }
    // A live run in a process of its own that dies at its n-th effect of the tests, before or after it.
    std::string killed_run(int at, bool after_effect = false) {
        const auto agreed = planned();
        open(); // no handle is shared with the child
        const auto child = ::fork();
        if (child == 0) {
            open();
            int count = 0;
            before_effect = [&]() -> Result<void> {
                if (++count == at) {
                    if (after_effect)
                        leave_a_byte();
                    ::kill(::getpid(), SIGKILL);
                }
                return {};
            };
            (void)perform(agreed);
            ::_exit(1);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        REQUIRE(WIFSIGNALED(status));
        return newest().id;
    }
    journal::RunRecord newest() { return game->journal().value()->runs(1).value().at(0); }
    std::vector<CallState> states(const std::string& run) {
        std::vector<CallState> all;
        for (const auto& call : game->journal().value()->calls(run).value())
            all.push_back(call.state);
        return all;
    }
    Outcome resumed(const std::string& run) {
        auto result = engine->resume(run, listener, false);
        INFO((result.ok() ? "" : result.error().why));
        REQUIRE(result.ok());
        return result.value();
    }
    std::size_t effects() const {
        return io::is_there(effects_file) ? io::read_file(effects_file).value().size() : 0;
    }

    io::TemporaryFolder folder = quick_folder();
    io::Path root = folder.path();
    config::Config config;
    run::Primitives primitives;
    Cancellation cancel;
    Quiet listener;
    std::unique_ptr<run::Game> game;
    std::unique_ptr<Engine> engine;
};

template <class T> Error refused(const Result<T>& result) {
    REQUIRE_FALSE(result.ok());
    CHECK_FALSE(result.error().why.empty());
    return result.error();
}

} // namespace respawn::testing
