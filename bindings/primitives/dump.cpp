#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> describe(const run::Call& call) {
    return Value(Value::List{ Value::Map{
        { "stage", "dump" }, { "component", call.text("component") }, { "tables", call["tables"] } } });
}

} // namespace

extern const run::Primitive dump = {
    .name = "dump",
    .summary = "A database as SQL text that its own client loads, as a stream: nothing is read before something takes it in.",
    .effect = run::Effect::reads,
    .capability = run::Capability::sql_read,
    .params = {
        { .name = "tables", .type = run::Type::list, .doc = "only these; all when empty", .fallback = Value::List{} },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "a stream",
    .example = R"(local stream = respawn.compress(respawn.dump { tables = { "players" } }))",
    .run = describe,
};

} // namespace respawn::primitives
