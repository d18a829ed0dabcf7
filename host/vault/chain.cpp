#include "vault/chain.h"

#include "base/id.h"

namespace respawn::vault {

namespace {

io::Path chain_file(const Vault::State& state) { return state.memory / "writer"; }

} // namespace

// An unreadable file is as good as a lost one: a new writer begins a new chain.
Chain remembered_chain(const Vault::State& state) {
    const auto bytes = io::read_file(chain_file(state), 4096);
    const auto value = bytes.ok() ? decode(bytes.value()) : bytes.error();
    if (!value.ok() || value.value().text_at("vault") != state.hex_id ||
        !is_ulid(value.value().text_at("writer")))
        return {};
    return { .writer = value.value().text_at("writer"),
             .number = static_cast<std::uint64_t>(value.value().integer_at("number")),
             .started = value.value().integer_at("started"),
             .last = value.value().text_at("last") };
}

// A backup killed between its snapshot and this file leaves the file behind the vault: only snapshots
// with a later id can be new.
Result<Chain> current_chain(Vault::State& state) {
    auto chain = remembered_chain(state);
    if (chain.writer.empty())
        return Chain{ .writer = make_ulid(now()), .last = {} };
    for (const auto& id : TRY(state.snapshot_ids())) {
        if (id <= chain.last)
            continue;
        const auto snapshot = state.snapshot(id);
        if (snapshot.ok() && snapshot.value().writer == chain.writer &&
            snapshot.value().number > chain.number)
            chain = { chain.writer, snapshot.value().number, snapshot.value().started, id };
    }
    return chain;
}

Result<void> remember_chain(const Vault::State& state, const Chain& chain) {
    return io::replace_durably(chain_file(state),
                               encode(Value::Map{ { "vault", state.hex_id },
                                                  { "writer", chain.writer },
                                                  { "number", static_cast<std::int64_t>(chain.number) },
                                                  { "started", chain.started },
                                                  { "last", chain.last } }));
}

} // namespace respawn::vault
