#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Result<Value> look(const run::Call& call) {
    Value::List lines;
    for (const auto& fault : TRY(call.faults(call.text("component"))))
        lines.push_back(fault);
    return Value(std::move(lines));
}

} // namespace

extern const run::Primitive faults = {
    .name = "faults",
    .summary = "Looks whether a component's live data is sound (a database: its integrity check), "
               "without changing it.",
    .effect = run::Effect::reads,
    .capability = run::Capability::sql_read,
    .params = { { .name = "component",
                  .type = run::Type::component,
                  .doc = "which; may be left out when there is only one database",
                  .optional = true } },
    .returns = "a list of sentences, one per fault; empty when it is sound",
    .example = R"(case.faults = respawn.faults { component = "game" })",
    .run = look,
};

} // namespace respawn::primitives
