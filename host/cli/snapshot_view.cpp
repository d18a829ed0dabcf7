#include "cli/snapshot_view.h"

#include "base/text.h"
#include "cli/output.h"
#include "component/snapshot_table.h"
#include "run/own_state.h"
#include "run/verify.h"

#include <fmt/format.h>

namespace respawn::cli {

namespace {

Value component_value(const vault::ComponentRecord& record) {
    return Value::Map{ { "type", record.kind },
                       { "size_bytes", static_cast<std::int64_t>(record.size_bytes) },
                       { "files", static_cast<std::int64_t>(record.files) },
                       { "start_time", to_rfc3339({ record.started }) },
                       { "duration_seconds", static_cast<double>(record.duration) / 1e6 },
                       { "success", record.success },
                       { "error", record.error },
                       { "detail", record.detail } };
}

std::int64_t per_second(std::uint64_t bytes, std::int64_t microseconds) {
    return static_cast<std::int64_t>(static_cast<double>(bytes) * 1e6 /
                                     static_cast<double>(std::max<std::int64_t>(1, microseconds)));
}

} // namespace

Value to_value(const vault::Snapshot& snapshot) {
    Value::Map components;
    for (const auto& record : snapshot.components)
        components.insert_or_assign(record.name, component_value(record));
    const auto size = size_of(snapshot);
    const auto took = snapshot.finished - snapshot.started;
    return Value::Map{ { "id", snapshot.id },
                       { "backup_id", snapshot.id },
                       { "game", snapshot.game },
                       { "environment", snapshot.environment },
                       { "host", snapshot.host },
                       { "plan", snapshot.plan },
                       { "type", snapshot.type },
                       { "note", snapshot.note },
                       { "start_time", to_rfc3339({ snapshot.started }) },
                       { "end_time", to_rfc3339({ snapshot.finished }) },
                       { "duration_seconds", static_cast<double>(took) / 1e6 },
                       { "size_bytes", static_cast<std::int64_t>(size) },
                       { "stored_bytes", static_cast<std::int64_t>(snapshot.stored_bytes) },
                       { "reused_bytes", snapshot.report.integer_at("reused_bytes") },
                       { "bytes_per_second", per_second(size, took) },
                       { "components", std::move(components) },
                       { "report", snapshot.report },
                       { "overall_success", snapshot.good() } };
}

Proofs proofs_in(vault::Vault& vault) {
    auto proofs = vault.proofs();
    if (proofs.ok())
        return std::move(proofs).value();
    tell("warning: proofs cannot be read: " + printable(proofs.error().why));
    return {};
}

Value with_proof(Value snapshot, const Proofs& proofs) {
    auto map = *snapshot.map();
    const auto found = proofs.find(snapshot.text_at("id"));
    map.insert_or_assign(
        "proof",
        found == proofs.end()
            ? Value()
            : Value(Value::Map{ { "time", to_rfc3339(found->second.at) },
                                { "passed", found->second.passed },
                                { "rto_seconds", static_cast<double>(found->second.duration) / 1e6 },
                                { "host", found->second.host },
                                { "detail", found->second.detail } }));
    return map;
}

std::string proof_of(const std::string& snapshot, const Proofs& proofs) {
    const auto found = proofs.find(snapshot);
    return run::proof_text(found == proofs.end() ? nullptr : &found->second);
}

std::string component_names(const vault::Snapshot& snapshot) {
    std::vector<std::string> names;
    for (const auto& record : snapshot.components)
        if (!run::is_own_state(record.name) || !record.success)
            names.push_back(record.name + (record.success && record.error.empty() ? "" : "!"));
    return join(names, ",");
}

std::uint64_t size_of(const vault::Snapshot& snapshot) {
    std::uint64_t size = 0;
    for (const auto& record : snapshot.components)
        size += record.size_bytes;
    return size;
}

std::vector<std::string> detail_lines(const vault::Snapshot& snapshot, const Proofs& proofs) {
    std::vector<std::string> lines = {
        fmt::format("snapshot {}", snapshot.id),
        fmt::format("  game      {} ({}), host {}", snapshot.game, snapshot.environment, snapshot.host),
        fmt::format("  taken     {} ({}), in {}", to_rfc3339({ snapshot.started }, true),
                    age_of(snapshot.started),
                    human_duration(Duration(snapshot.finished - snapshot.started))),
        fmt::format("  kind      {}{}", snapshot.type,
                    snapshot.plan.empty() ? "" : ", plan " + snapshot.plan),
        fmt::format("  size      {}, {} of them new in the vault", human_size(size_of(snapshot)),
                    human_size(snapshot.stored_bytes)),
        fmt::format("  state     {}", snapshot.good() ? "good" : painted("NOT WHOLE", Colour::red)),
        fmt::format("  proof     {}", proof_of(snapshot.id, proofs)),
    };
    if (!snapshot.note.empty())
        lines.push_back(fmt::format("  note      {}", printable(snapshot.note)));
    for (const auto& record : snapshot.components) {
        lines.push_back(fmt::format("  {:<16} {}{}, {}, {}", record.name, record.kind,
                                    record.success && !record.holds("") ? " (some tables)" : "",
                                    human_size(record.size_bytes), counted(record.files, "file")));
        if (!record.error.empty())
            lines.push_back(
                fmt::format("                   {}", painted(printable(record.error), Colour::red)));
        if (const auto* tables = record.detail.at("tables").map())
            for (const auto& [table, facts] : *tables)
                lines.push_back(
                    fmt::format("                   {:<32} {}", printable(table),
                                counted(static_cast<std::uint64_t>(facts.integer_at("rows")), "row")));
    }
    return lines;
}

Result<const vault::ComponentRecord*> database_in(const vault::Snapshot& snapshot,
                                                  const std::string& name) {
    const vault::ComponentRecord* found = nullptr;
    for (const auto& record : snapshot.components) {
        const bool asked = name.empty()
                               ? component::holds_tables(record.kind) && !run::is_own_state(record.name)
                               : record.name == name;
        if (!record.success || !asked)
            continue;
        if (found)
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("snapshot {} holds several databases", snapshot.id),
                          .fix = fmt::format("name one: --component {}", printable(found->name)) };
        found = &record;
    }
    if (found)
        return found;
    return Error{ .kind = Kind::missing,
                  .why = name.empty() ? fmt::format("snapshot {} holds no database", snapshot.id)
                                      : fmt::format("snapshot {} has no component {}", snapshot.id,
                                                    printable(name)),
                  .fix = "it has: " + component_names(snapshot) };
}

} // namespace respawn::cli
