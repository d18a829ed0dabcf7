#include "run/primitive.h"
#include "run/stream.h"

#include <fmt/format.h>

namespace respawn::primitives {

namespace {

std::string stored_name(const run::Call& call) { return "exports/" + call.text("name"); }

Result<Value> store(const run::Call& call) {
    auto location = TRY(run::location_named(call.game(), call.text("to")));
    auto stream = TRY(run::open_stream(call.game(), call.list("stream")));
    TRY(location->create(stored_name(call), *stream));
    return Value(Value::Map{ { "name", stored_name(call) }, { "location", location->url() } });
}

Result<Value> where_it_would_be(const run::Call& call) {
    const auto location = TRY(run::location_named(call.game(), call.text("to")));
    return Value(Value::Map{ { "name", stored_name(call) }, { "location", location->url() } });
}

// A location has a file whole or not at all.
Result<run::Settled> is_stored(const run::Call& call) {
    auto location = TRY(run::location_named(call.game(), call.text("to")));
    for (const auto& entry : TRY(location->list(stored_name(call))))
        if (entry.name == stored_name(call))
            return run::Settled{ .answer = run::Settled::Answer::happened,
                                 .result = Value::Map{ { "name", entry.name },
                                                       { "location", location->url() } },
                                 .why = {} };
    return run::Settled{ .answer = run::Settled::Answer::did_not, .result = {}, .why = {} };
}

} // namespace

extern const run::Primitive upload = {
    .name = "upload",
    .summary = "Stores a stream as a plain file at a location, under exports/. A name that is taken is never overwritten.",
    .effect = run::Effect::changes,
    .capability = run::Capability::vault_write,
    .policy = journal::Policy::probe,
    .params = {
        { .name = "stream", .type = run::Type::stream, .doc = "what respawn.dump, respawn.compress or respawn.encrypt gave" },
        { .name = "name", .type = run::Type::text, .doc = "the file's name" },
        { .name = "to", .type = run::Type::location, .doc = "a location of the configuration; the first when left out", .fallback = "" },
    },
    .returns = "{ name, location }",
    .would = "store {name} at {to}",
    .example = R"(respawn.upload { stream = respawn.encrypt(respawn.compress(respawn.dump {})), name = "players.sql.zst.enc" })",
    .run = store,
    .recorded = where_it_would_be,
    .probe = is_stored,
};

} // namespace respawn::primitives
