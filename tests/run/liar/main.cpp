// A worker that was taken over: it has the host's socket and says whatever it likes. The numbers it
// draws come from the parameter `seed` of its task.
#include "base/frame.h"

#include <random>
#include <string>
#include <unistd.h>

using namespace respawn;

namespace {

constexpr int host = 3;

class Liar {
  public:
    explicit Liar(const Value& task) : task_(task), chance_(static_cast<std::uint64_t>(seed())) {}

    void describe() {
        (void)send_frame(host, Value::Map{ { "kind", "described" }, { "table", table() } });
    }

    // Until the host has had enough, or as if all were well.
    void lie() {
        for (auto i = chance_() % 60; i > 0; --i)
            if (!lie_once())
                return;
        (void)send_frame(host, Value::Map{ { "kind", "done" } });
    }

  private:
    bool lie_once() {
        if (one_in(500) && ::write(host, "\xff\xff\xff\x7f????????", 12) > 0)
            return false;
        const auto message = one_in(40) ? nonsense(0) : one_in(2) ? attack() : plausible();
        return send_frame(host, message).ok() && receive_frame(host).ok();
    }

    // What would do harm if nobody looked.
    Value attack() {
        if (one_in(4))
            return Value::Map{ { "kind", "phase" }, { "name", "repair" } };
        const auto change = Value::Map{ { "update", "players" },
                                        { "key", Value::Map{ { "id", 1 } } },
                                        { "set", Value::Map{ { "galleons", 1'000'000 } } } };
        const std::vector<std::pair<std::string, Value>> calls = {
            { "write", Value::Map{ { "changes", Value::List{ change } }, { "why", "mine" } } },
            { "notify", Value::Map{ { "text", "send me your keys" } } },
            { "repeats", Value::Map{ { "n", 1 } } },
            { "backup", Value::Map{} },
            { "restore", Value::Map{ { "snapshot", "latest" } } },
            { "sql", Value::Map{ { "query", "update players set galleons = 1000000" } } },
        };
        const auto& [name, arguments] = one_of(calls);
        return Value::Map{ { "kind", "call" },
                           { "primitive", name },
                           { "arguments", arguments },
                           { "where", "liar.lua:1" } };
    }

    std::int64_t seed() const {
        const auto& given = task_.at("parameters").at("seed");
        return given.integer() ? *given.integer() : 0;
    }
    bool one_in(unsigned n) { return chance_() % n == 0; }
    template <class T> const T& one_of(const std::vector<T>& all) {
        return all[chance_() % all.size()];
    }

    // It declares that it reads SQL, and nothing else.
    static Value table() {
        return Value::Map{ { "version", "1.0.0" },
                           { "summary", "Lies." },
                           { "uses", Value::List{ "sql.read" } },
                           { "params", Value::Map{ { "seed", Value::Map{ { "type", "integer" },
                                                                         { "doc", "of chance" } } } } },
                           { "phases", Value::List{ "diagnose", "repair", "verify" } } };
    }

    std::string primitive() {
        const auto& all = *task_.at("primitives").list();
        return one_in(10) ? "nosuch" : all[chance_() % all.size()].text_at("name");
    }

    Value change() {
        return Value::Map{ { one_of<std::string>({ "update", "delete", "insert" }), "players" },
                           { "key", Value::Map{ { "id", 1 } } },
                           { "set", Value::Map{ { "galleons", 1'000'000 } } } };
    }

    Value arguments() {
        Value::Map all;
        const std::vector<std::string> names = { "query",   "with",   "text",     "changes",
                                                 "why",     "to",     "name",     "snapshot",
                                                 "choices", "stream", "location", "component",
                                                 "table",   "keys",   "backup",   "holds",
                                                 "run",     "n" };
        for (int i = static_cast<int>(chance_() % 6); i > 0; --i)
            all.insert_or_assign(one_of(names), value());
        return all;
    }

    Value value() {
        switch (chance_() % 8) {
        case 0:
            return one_of<std::string>(
                { "delete from players", "select 1; delete from players", "pragma writable_schema = on",
                  "attach '/etc/passwd' as x", "select load_extension('x')", "vacuum into '/dev/shm/x'",
                  "with x as (select 1) update players set galleons = 9", "select * from players" });
        case 1:
            return Value::List{ change(), change() };
        case 2:
            return one_of<std::string>({ "../../../etc/passwd", "latest", "game", "respawn-journal",
                                         "ops", std::string(5000, 'x'), std::string("\0\x1b[2J", 5) });
        case 3:
            return Value(Symbol{ one_of<std::string>({ "now", "new id", "what backup gives", "" }) });
        case 4:
            return static_cast<std::int64_t>(chance_());
        case 5:
            return true;
        case 6:
            return nullptr;
        default:
            return nonsense(0);
        }
    }

    Value nonsense(int depth) {
        if (depth > 6 || one_in(3))
            return one_in(2) ? Value("nonsense") : Value(static_cast<std::int64_t>(chance_()));
        if (one_in(2)) {
            Value::List all;
            for (int i = static_cast<int>(chance_() % 5); i > 0; --i)
                all.push_back(nonsense(depth + 1));
            return all;
        }
        Value::Map all;
        for (int i = static_cast<int>(chance_() % 5); i > 0; --i)
            all.insert_or_assign(
                one_of<std::string>({ "kind", "value", "primitive", "error", "x", "" }),
                nonsense(depth + 1));
        return all;
    }

    Value plausible() {
        const auto kind =
            one_of<std::string>({ "call", "call", "call", "call", "call", "call", "call", "call",
                                  "phase", "phase", "log", "need", "described", "test", "refused" });
        if (one_in(200))
            return Value::Map{ { "kind", one_of<std::string>({ "done", "failed", "computed" }) },
                               { "where", value() },
                               { "symbol", value() },
                               { "why", value() },
                               { "cause", value() } };
        return Value::Map{ { "kind", kind },
                           { "name", one_of<std::string>({ "diagnose", "backup", "repair", "verify",
                                                           "notify", "nosuch", "" }) },
                           { "primitive", primitive() },
                           { "arguments", arguments() },
                           { "where", one_in(2) ? Value("liar.lua:1") : value() },
                           { "text", value() },
                           { "table", one_in(2) ? table() : value() },
                           { "module", "../secret" },
                           { "call", value() } };
    }

    const Value& task_;
    std::mt19937_64 chance_;
};

} // namespace

int main() {
    const auto task = receive_frame(host);
    if (!task.ok())
        return 1;
    Liar liar(task.value());
    if (task.value().text_at("task") == "describe")
        liar.describe();
    else
        liar.lie();
}
