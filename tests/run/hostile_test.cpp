// Workers that were taken over, and scripts made by chance: the host stays alive and on time, and
// nothing is done that the runbook did not declare. A sample with a printed seed; all of them with
// RESPAWN_LONG=1.
#include "run/scene.h"

#include <fmt/format.h>
#include <random>

using namespace respawn;
using namespace respawn::testing;

namespace {

int this_many(int sample, int all) { return std::getenv("RESPAWN_LONG") ? all : sample; }

std::uint64_t printed_seed() {
    const char* given = std::getenv("RESPAWN_SEED");
    const auto seed = given ? std::strtoull(given, nullptr, 10) : std::random_device()();
    UNSCOPED_INFO("RESPAWN_SEED=" << seed);
    return seed;
}

// What a run may have touched, told as one text: rows, schema, and the files of the game's folder.
std::string everything(const Scene& scene) {
    std::string all = scene.rows();
    auto connection =
        SqliteConnection::open(scene.root / "game.db", SqliteConnection::Access::read_only).value();
    all += to_text(connection.value("select group_concat(sql, ';') from sqlite_schema").value());
    for (const auto& entry : std::filesystem::directory_iterator(scene.root))
        if (const auto name = entry.path().filename();
            name != "state" && name != "game.db-shm" && name != "game.db-wal")
            all += " " + name.string();
    return all + fmt::format(" {} effects", scene.effects());
}

} // namespace

TEST_CASE("a worker that was taken over gains nothing beyond what its runbook declares") {
    Scene scene;
    scene.book("", "params = { seed = { type = 'integer', doc = 'of chance' } }", "'sql.read'");
    ::setenv("RESPAWN_WORKER", built("lying_worker").c_str(), 1);
    std::mt19937_64 chance(printed_seed());
    (void)scene.game->vault_or_new();
    const auto before = everything(scene);
    int performed = 0;
    for (int i = this_many(100, 5000); i > 0; --i) {
        const auto seed = std::to_string(chance() >> 2);
        INFO("seed=" << seed);
        const auto begun = std::chrono::steady_clock::now();
        const auto planned = scene.plan({ { "seed", seed } });
        if (planned.ok() && !planned.value().not_needed) {
            auto request = scene.request({ { "seed", seed } });
            performed +=
                scene.engine->perform(request, planned.value().plan, scene.listener).ok() ? 1 : 0;
        } else if (!planned.ok()) {
            CHECK_FALSE(planned.error().why.empty());
        }
        CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(60));
        REQUIRE(everything(scene) == before);
        if (const auto runs = scene.game->journal().value()->runs(1).value();
            !runs.empty() && runs[0].state != journal::RunState::done &&
            runs[0].state != journal::RunState::aborted)
            (void)scene.engine->abort(runs[0].id);
    }
    CHECK(performed > 0); // lies that look well are believed as far as the declaration goes
}

namespace {

// A script out of pieces that have been trouble elsewhere.
class Script {
  public:
    explicit Script(std::uint64_t seed) : chance_(seed) {}
    std::string lines() {
        std::string text;
        for (auto i = 1 + chance_() % 6; i > 0; --i)
            text += "pcall(function() " + (chance_() % 3 ? call() : statement(0)) + " end)\n";
        return text;
    }

  private:
    const std::string& one_of(const std::vector<std::string>& all) {
        return all[chance_() % all.size()];
    }
    std::string name() {
        return one_of({ "a", "b", "case", "respawn", "string", "_G", "_ENV", "math" });
    }

    std::string call() {
        return "respawn." +
               one_of({ "write { why = 'x', changes = { { delete = 'players', key = { id = 1 } } } }",
                        "notify { text = 'x' }", "repeats(1)", "backup {}",
                        "sql { query = 'delete from players' }",
                        "sql { query = 'select * from players' }" });
    }

    std::string expression(int depth) {
        static const std::vector<std::string> plain = {
            "nil",
            "0/0",
            "math.huge",
            "math.mininteger",
            "('x'):rep(1e6)",
            "{}",
            "'\\27[2J\\0'",
            "setmetatable({}, { __index = "
            "function(t, k) return t[k] end })",
            "setmetatable({}, { __tostring = function() while true do end end })",
            "setmetatable({}, { __len = function() error({}) end })",
            "function(...) return ... end",
            "respawn.at_write_time",
            "respawn.null",
            "respawn",
            "_G",
            "string.format",
            "select('#', table.unpack({}, 1, 1e7))",
            "('x'):rep(1e9)",
            "string.rep",
            "next",
            "print",
            "pcall",
            "require",
            "utf8.char(0x7FFFFFFF)"
        };
        if (depth > 3 || chance_() % 3 == 0)
            return chance_() % 4 == 0 ? name() : one_of(plain);
        switch (chance_() % 6) {
        case 0:
            return expression(depth + 1) +
                   one_of({ " .. ", " + ", " == ", " < ", " // ", " << ", " and ", "[" }) + "(" +
                   expression(depth + 1) + ")" + (chance_() % 8 == 0 ? "]" : "");
        case 1:
            return "(" + expression(depth + 1) + ")(" + expression(depth + 1) + ")";
        case 2:
            return "{ " + expression(depth + 1) + ", x = " + expression(depth + 1) + " }";
        case 3:
            return "respawn." +
                   one_of({ "sql", "write", "notify", "restore", "upload", "backup", "ask", "repeats",
                            "check", "fail" }) +
                   " { query = " + expression(depth + 1) + ", text = " + expression(depth + 1) +
                   ", changes = { { delete = 'players', key = { id = 1 } } }, why = 'x' }";
        case 4:
            return one_of({ "pcall", "xpcall", "tostring", "table.sort", "table.concat", "string.find",
                            "rawset", "setmetatable", "table.move", "select", "string.gsub", "assert",
                            "error" }) +
                   "(" + expression(depth + 1) + ", " + expression(depth + 1) + ", " +
                   expression(depth + 1) + ")";
        default:
            return "(function() " + statement(depth + 1) + " return " + expression(depth + 1) +
                   " end)()";
        }
    }

    std::string statement(int depth) {
        switch (chance_() % 8) {
        case 0:
            return "while true do " + (depth > 2 ? "" : statement(depth + 1)) + " end";
        case 1:
            return "pcall(function() " + (depth > 2 ? "" : statement(depth + 1)) + " end)";
        case 2:
            return "for i = 1, 1e9 do local t = " + expression(depth + 1) + " end";
        case 3:
            return "local function f() return 1 + f() end f()";
        case 4:
            return "respawn.log(" + expression(depth + 1) + ")";
        case 5:
            return "case.x = " + expression(depth + 1);
        case 6:
            return "(" + name() + ").x = " + expression(depth + 1);
        default:
            return "local a = " + expression(depth + 1);
        }
    }

    std::mt19937_64 chance_;
};

} // namespace

TEST_CASE("whatever a script does, the host stays alive and on time, and what it may not change is "
          "unchanged") {
    Scene scene;
    std::mt19937_64 chance(printed_seed());
    (void)scene.game->vault_or_new();
    const auto before = everything(scene);
    int performed = 0;
    for (int i = this_many(50, 500); i > 0; --i) {
        const auto lines = Script(chance()).lines();
        INFO(lines);
        scene.book("function runbook." + std::string(chance() % 2 ? "diagnose" : "repair") +
                       "(case)\n" + lines + "end",
                   "deadline = '200ms'", "'sql.read'");
        std::filesystem::create_directories(scene.root / "books");
        const auto with_books = everything(scene);
        const auto begun = std::chrono::steady_clock::now();
        const auto planned = scene.plan();
        if (!planned.ok())
            CHECK_FALSE(planned.error().why.empty());
        else if (!planned.value().not_needed)
            performed +=
                scene.engine->perform(scene.request(), planned.value().plan, scene.listener).ok() ? 1
                                                                                                  : 0;
        CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(30));
        REQUIRE(everything(scene) == with_books);
        if (const auto runs = scene.game->journal().value()->runs(1).value();
            !runs.empty() && runs[0].state != journal::RunState::done &&
            runs[0].state != journal::RunState::not_needed &&
            runs[0].state != journal::RunState::aborted)
            (void)scene.engine->abort(runs[0].id);
    }
    CHECK(performed > 0);
}

TEST_CASE("one runbook in many processes makes one plan and one journal") {
    Scene scene;
    scene.book(
        "function runbook.repair(case)\n"
        "  local t = {}\n"
        "  for i = 1, 50 do t['k' .. math.random(1000000)] = i; t[{}] = nil end\n"
        "  local keys = {}\n"
        "  for k in pairs(t) do keys[#keys + 1] = k end\n"
        "  table.sort(keys, function(a, b) return #a < #b end)\n"
        "  local said = table.concat(keys, ' ') .. tostring({}) .. tostring(print) .. tostring(#t)\n"
        "  respawn.log(said)\n"
        "  respawn.write { why = said, changes = { { update = 'players', key = { id = 1 }, set = { "
        "note = said } } } }\n"
        "end",
        "", "'sql.read', 'sql.write'");
    std::string hash, log;
    for (int i = this_many(20, 200); i > 0; --i) {
        const auto planned = scene.planned();
        if (hash.empty()) {
            hash = planned.plan.hash;
            log = scene.listener.logs.front();
        }
        REQUIRE(planned.plan.hash == hash);
        REQUIRE(scene.listener.logs.back() == log);
    }
    const auto outcome = scene.performed();
    CHECK(outcome.run.state == journal::RunState::done);
    CHECK(outcome.run.plan == hash);
}
