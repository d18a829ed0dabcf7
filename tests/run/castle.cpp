#include "run/castle.h"

#include "base/text.h"
#include "database/sqlite_connection.h"
#include "primitives/primitives.h"
#include "run/backup.h"
#include "run/workers.h"

#include <cstdlib>
#include <set>

namespace respawn::testing {

using database::SqliteConnection;

int acted = 0;

namespace {

Result<Value> act_once(const run::Call&) {
    ++acted;
    return Value("acted");
}

run::Primitive bare_effect() {
    run::Primitive primitive;
    primitive.name = "bare";
    primitive.summary = "An effect that does not say what it gives when it is only recorded.";
    primitive.effect = run::Effect::changes;
    primitive.capability = run::Capability::service;
    primitive.policy = journal::Policy::park;
    primitive.positional = true;
    primitive.would = "act";
    primitive.run = act_once;
    return primitive;
}
const run::Primitive bare = bare_effect();

} // namespace

Castle::Castle() {
    ::setenv("RESPAWN_WORKER", testing::built("respawn-worker").c_str(), 1);
    acted = 0;
    REQUIRE(crypto::make_key_file(root / "key").ok());
    sql("create table players (id integer primary key, name text, galleons integer);"
        "create table seen (player integer);"
        "create trigger notices after update on players begin insert into seen values (new.id); "
        "end;"
        "insert into players values (1, 'ada', 100), (2, 'lin', 20);");
    REQUIRE(io::make_folder(root / "saves").ok());
    REQUIRE(io::create_durably(root / "saves/one.txt", "one").ok());
    config.file = root / "respawn.yaml";
    config.game = "castle";
    config.environment = "test";
    config.state = root / "state";
    config.scratch = root / "scratch";
    config.key_file = root / "key";
    config.locations = { { "local", "file://" + (root / "vault").string() } };
    config.components = { { .name = "game", .kind = "sqlite", .path = root / "game.db" },
                          { .name = "saves", .kind = "files", .paths = { root / "saves" } } };
    config.alerts = { { .name = "ops", .kind = "file", .path = root / "messages" } };
    primitives = primitives::all();
    primitives.push_back(&bare);
    open();
    backup = back_up();
}

void Castle::open() {
    engine.reset();
    game = std::make_unique<run::Game>(config);
    engine = std::make_unique<run::Engine>(*game, primitives, run::Folders{ { root / "books" }, {} },
                                           cancel);
}

std::string Castle::back_up() {
    const auto taken = run::back_up(*game, {}, cancel, {});
    INFO((taken.ok() ? "" : taken.error().why));
    REQUIRE(taken.ok());
    return taken.value().id;
}

void Castle::sql(const std::string& text) const {
    auto connection =
        SqliteConnection::open(root / "game.db", SqliteConnection::Access::create).value();
    REQUIRE(connection.run_script(text).ok());
}

std::string Castle::rows() const {
    auto connection =
        SqliteConnection::open(root / "game.db", SqliteConnection::Access::read_only).value();
    return to_text(connection
                       .value("select group_concat(id || name || galleons, ' ') from (select * "
                              "from players order by id)")
                       .value());
}

void Castle::book(const std::string& phases, const std::string& more) const {
    REQUIRE(io::make_folder(root / "books").ok());
    REQUIRE(io::replace_durably(
                root / "books/book.lua",
                "local respawn = require 'respawn'\n"
                "local runbook = { version = '1.0.0', summary = 'A test.', uses = { 'sql.read', "
                "'sql.write', 'vault.read', 'vault.write', 'notify', 'service' }, " +
                    more + " }\nfunction runbook.diagnose(case) end\n" + phases +
                    "\nif not runbook.verify then function runbook.verify(case) end end\n"
                    "return runbook\n")
                .ok());
}

Rehearsed Castle::rehearsed(const run::Rehearsing& how) {
    auto result = try_rehearse(how);
    INFO((result.ok() ? "" : result.error().why));
    REQUIRE(result.ok());
    return std::move(result).value();
}

Rehearsed Castle::passed(const run::Rehearsing& how) {
    auto done = rehearsed(how);
    INFO((done.error ? done.error->why : ""));
    CHECK(done.record.passed);
    REQUIRE_FALSE(done.error);
    return done;
}

run::Planned Castle::planned() {
    auto result = engine->plan(request(), listener);
    INFO((result.ok() ? "" : result.error().why));
    REQUIRE(result.ok());
    return std::move(result).value();
}

void Castle::left_nothing() const {
    std::set<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(config.scratch / "respawn-verify"))
        left.insert(entry.path().filename().string());
    CHECK(left == std::set<std::string>{ "id", "lock" });
}

} // namespace respawn::testing
