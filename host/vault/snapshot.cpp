#include "vault/codec.h"

#include <algorithm>

namespace respawn::vault {

namespace {

Value number(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }
std::uint64_t number_at(const Value& map, std::string_view name) {
    return static_cast<std::uint64_t>(map.integer_at(name));
}

Value encode_component(const ComponentRecord& record) {
    return Value::Map{ { "name", record.name },
                       { "kind", record.kind },
                       { "tree", Blob{ std::string(view(record.tree)) } },
                       { "size", number(record.size_bytes) },
                       { "files", number(record.files) },
                       { "started", record.started },
                       { "duration", record.duration },
                       { "success", record.success },
                       { "error", record.error },
                       { "detail", record.detail } };
}

Result<ComponentRecord> decode_component(const Value& map) {
    const auto* tree = map.at("tree").blob();
    const auto* success = map.at("success").boolean();
    if (!tree || tree->bytes.size() != 16 || !success)
        return damaged("a snapshot describes a component that cannot be");
    return ComponentRecord{ .name = map.text_at("name"),
                            .kind = map.text_at("kind"),
                            .tree = id_from<ChunkId>(tree->bytes),
                            .size_bytes = number_at(map, "size"),
                            .files = number_at(map, "files"),
                            .started = map.integer_at("started"),
                            .duration = map.integer_at("duration"),
                            .success = *success,
                            .error = map.text_at("error"),
                            .detail = map.at("detail") };
}

bool good_component(const ComponentRecord& record) {
    return record.success && record.error.empty() && (record.files > 0 || record.size_bytes > 0);
}

} // namespace

bool Snapshot::good() const {
    return !components.empty() && std::ranges::all_of(components, good_component);
}

bool ComponentRecord::holds(std::string_view table) const {
    const auto* only = detail.at("only").list();
    return success &&
           (!only || (!table.empty() && std::ranges::find(*only, Value(table)) != only->end()));
}

const ComponentRecord* Snapshot::component(std::string_view wanted) const {
    const auto found = std::ranges::find(components, wanted, &ComponentRecord::name);
    return found == components.end() ? nullptr : &*found;
}

std::string encode_snapshot(const Snapshot& snapshot) {
    Value::List components;
    for (const auto& record : snapshot.components)
        components.push_back(encode_component(record));
    return encode(Value::Map{ { "id", snapshot.id },
                              { "game", snapshot.game },
                              { "environment", snapshot.environment },
                              { "host", snapshot.host },
                              { "plan", snapshot.plan },
                              { "type", snapshot.type },
                              { "note", snapshot.note },
                              { "writer", snapshot.writer },
                              { "number", number(snapshot.number) },
                              { "previous", snapshot.previous },
                              { "started", snapshot.started },
                              { "finished", snapshot.finished },
                              { "stored", number(snapshot.stored_bytes) },
                              { "program", snapshot.program },
                              { "components", std::move(components) },
                              { "report", snapshot.report } });
}

Result<Snapshot> decode_snapshot(std::string_view bytes) {
    const auto map = TRY(decode(bytes));
    const auto* components = map.at("components").list();
    if (!components || map.text_at("id").empty())
        return damaged("a snapshot lacks its id or its components");
    Snapshot snapshot{ .id = map.text_at("id"),
                       .game = map.text_at("game"),
                       .environment = map.text_at("environment"),
                       .host = map.text_at("host"),
                       .plan = map.text_at("plan"),
                       .type = map.text_at("type"),
                       .note = map.text_at("note"),
                       .writer = map.text_at("writer"),
                       .number = number_at(map, "number"),
                       .previous = map.text_at("previous"),
                       .started = map.integer_at("started"),
                       .finished = map.integer_at("finished"),
                       .stored_bytes = number_at(map, "stored"),
                       .program = map.text_at("program"),
                       .components = {},
                       .report = map.at("report") };
    for (const auto& component : *components)
        snapshot.components.push_back(TRY(decode_component(component)));
    return snapshot;
}

} // namespace respawn::vault
