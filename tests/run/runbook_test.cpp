#include "run/runbook.h"
#include "run/workers.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace respawn;
using namespace respawn::testing;

namespace {

constexpr std::string_view sound =
    R"(local runbook = { version = "3.0.0", rto = "10m", target = "duel:{duel}",
  summary = "Ends a duel that no longer moves.",
  uses = { "sql.read", "notify" },
  params = { duel = { type = "integer", doc = "id in active_duels" },
             stake = { type = "real", doc = "what each gets", fallback = 1 } } }
function runbook.diagnose(case) end
function runbook.verify(case) end
return runbook
)";

// Folders runbooks/ and stdlib/ with files in them.
struct Shelf {
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    run::Folders folders{ .runbooks = { folder.path() / "runbooks" },
                          .stdlib = { folder.path() / "stdlib" } };

    Shelf() {
        put("runbooks/wox/stuck_duel.lua", sound);
        put("stdlib/duels.lua", "return {}");
    }
    void put(const io::Path& name, std::string_view text) const {
        const auto path = folder.path() / name;
        REQUIRE(io::make_folder(path.parent_path()).ok());
        REQUIRE(io::replace_durably(path, text).ok());
    }
    Result<run::Runbook> describe(std::string_view name) const {
        auto source = run::find_runbook(name, folders);
        if (!source.ok())
            return source.error();
        const Cancellation never;
        return run::describe(source.value(), folders, known_primitives(),
                             { .program = built("respawn-worker") }, never);
    }
    // Why the sound runbook with one text exchanged is refused.
    std::string fault_with(std::string_view from, std::string_view to) const {
        std::string text(sound);
        text.replace(text.find(from), from.size(), to);
        put("runbooks/wox/changed.lua", text);
        const auto described = describe("wox/changed");
        return described.ok() ? "" : described.error().why;
    }
};

} // namespace

TEST_CASE("a runbook is found by name, described, and its modules kept with it") {
    const Shelf shelf;
    shelf.put("runbooks/wox/words.lua", "return require 'stdlib.duels'");
    shelf.put("runbooks/wox/stuck_duel.lua", "require 'words'\n" + std::string(sound));
    const auto runbook = shelf.describe("wox/stuck_duel").value();
    REQUIRE(runbook.description.version == "3.0.0");
    REQUIRE(runbook.description.rto == std::chrono::minutes(10));
    REQUIRE(runbook.description.uses == std::vector<std::string>{ "sql.read", "notify" });
    REQUIRE(runbook.description.phases == std::vector<std::string>{ "diagnose", "verify" });
    REQUIRE(runbook.source.modules.contains("stdlib.duels"));
    REQUIRE(runbook.source.modules.contains("words"));
}

TEST_CASE("parameters are typed, fall back, and name themselves when they are wrong") {
    const Shelf shelf;
    const auto description = shelf.describe("wox/stuck_duel").value().description;
    const auto parameters = run::read_parameters(description, { { "duel", "4711" } }).value();
    REQUIRE(parameters == Value(Value::Map{ { "duel", 4711 }, { "stake", 1 } }));
    REQUIRE(run::target_of(description, parameters) == "duel:4711");
    for (const auto& given : std::vector<std::map<std::string, std::string>>{
             {}, { { "duel", "47x" } }, { { "duel", "1" }, { "duell", "1" } } })
        REQUIRE(run::read_parameters(description, given).error().kind == Kind::usage);
}

TEST_CASE("what is wrong in a runbook's table is named with file, line and the nearest word") {
    const Shelf shelf;
    REQUIRE(shelf.fault_with("version", "vresion") ==
            "wox/changed.lua:1: 'vresion' is no field of a runbook; did you mean 'version'?");
    REQUIRE(shelf.fault_with("verify", "verfiy") ==
            "wox/changed.lua:7: 'verfiy' is no phase of a runbook; did you mean 'verify'?");
    REQUIRE(shelf.fault_with("3.0.0", "3") == "wox/changed.lua:1: version '3' is not like 1.0.0");
    REQUIRE(shelf.fault_with("sql.read", "sql.raed") ==
            "wox/changed.lua:3: uses 'sql.raed', which is no capability; did you mean 'sql.read'?");
    REQUIRE(shelf.fault_with("integer", "whole")
                .starts_with("wox/changed.lua:4: parameter duel has no type"));
    REQUIRE(
        shelf.fault_with("10m", "soon").starts_with("wox/changed.lua:1: rto 'soon' is no duration"));
    REQUIRE(
        shelf.fault_with("{duel}", "{duell}").starts_with("wox/changed.lua:1: target names {duell}"));
    REQUIRE(shelf.fault_with("fallback = 1", "fallback = 'x'")
                .starts_with("wox/changed.lua:5: the fallback of parameter stake is no real"));
    REQUIRE(shelf.fault_with("return runbook", "").find("returns nothing") != std::string::npos);
    REQUIRE(shelf.fault_with("return runbook", "retrun").starts_with("wox/changed.lua:"));
}

TEST_CASE("no name and no link leads out of the folders") {
    const Shelf shelf;
    shelf.put("secret.lua", sound);
    shelf.put("outside/inner.lua", sound);
    const auto runbooks = shelf.folders.runbooks[0];
    std::filesystem::create_symlink(shelf.folder.path() / "secret.lua", runbooks / "wox" / "link.lua");
    std::filesystem::create_symlink(shelf.folder.path() / "outside", runbooks / "away");
    REQUIRE(shelf.describe("wox/link").error().kind == Kind::denied);
    REQUIRE(shelf.describe("away/inner").error().kind == Kind::denied);
    for (const char* name :
         { "../secret", "wox/../../secret", "/wox/stuck_duel", "wox//stuck_duel", "Wox", "" })
        REQUIRE_FALSE(run::find_runbook(name, shelf.folders).ok());
    REQUIRE(run::list_runbooks(shelf.folders).value() == std::vector<std::string>{ "wox/stuck_duel" });
    const auto source = run::find_runbook("wox/stuck_duel", shelf.folders).value();
    REQUIRE(run::read_module(source, "link", shelf.folders).error().kind == Kind::denied);
    REQUIRE_FALSE(run::read_module(source, "..secret", shelf.folders).ok());
}

TEST_CASE("tests are listed apart from runbooks") {
    const Shelf shelf;
    shelf.put("runbooks/wox/stuck_duel_test.lua", "test('it works', function() end)");
    REQUIRE(run::list_runbooks(shelf.folders).value() == std::vector<std::string>{ "wox/stuck_duel" });
    REQUIRE(run::list_tests(shelf.folders).value() ==
            std::vector<std::string>{ "wox/stuck_duel_test" });
}

TEST_CASE("a runbook that is not there is said so, with the nearest one") {
    const Shelf shelf;
    const auto error = shelf.describe("wox/stuck_dule").error();
    REQUIRE(error.kind == Kind::missing);
    REQUIRE(error.fix.starts_with("did you mean wox/stuck_duel?"));
}

TEST_CASE("a runbook by its file's path runs with the modules beside it") {
    const Shelf shelf;
    shelf.put("elsewhere/own.lua", "require 'beside'\n" + std::string(sound));
    shelf.put("elsewhere/beside.lua", "return 1");
    REQUIRE(shelf.describe((shelf.folder.path() / "elsewhere/own.lua").string()).ok());
    REQUIRE_FALSE(shelf.describe((shelf.folder.path() / "elsewhere/none.lua").string()).ok());
}

TEST_CASE("modules that require each other show their circle") {
    const Shelf shelf;
    shelf.put("runbooks/wox/a.lua", "return require 'b'");
    shelf.put("runbooks/wox/b.lua", "return require 'a'");
    REQUIRE(shelf.describe("wox/a").error().why ==
            "wox/b.lua:1: modules require each other in a circle: a → b → a");
}

TEST_CASE("a runbook that calls a primitive while it is described is refused, and nothing is done") {
    const Shelf shelf;
    shelf.put("runbooks/wox/early.lua", "require 'respawn'.sql { text = 'x' }\n" + std::string(sound));
    REQUIRE(shelf.describe("wox/early").error().why.find("can be called in a phase") !=
            std::string::npos);
}
