// The tables of a journal. docs/journal.md describes them.
#include "base/bytes.h"
#include "journal/store.h"

#include <fmt/format.h>

namespace respawn::journal {

namespace {

constexpr std::int64_t schema_version = 1;

struct Table {
    std::string_view name;
    std::string_view columns; // {0}: a whole number, {1}: bytes
};

// Each behind those that it refers to.
constexpr Table tables[] = {
    { "journal", "version {0} primary key, next_token {0} not null" },
    { "runs",
      "id text primary key, runbook text not null, version text not null, mode text not null, "
      "target text not null, operator text not null, reason text not null, plan text not null, "
      "parameters {1}, description {1}, state text not null, phase text not null, error {1}, "
      "token {0} not null, host text not null, boot text not null, pid {0} not null, "
      "process_start {0} not null, started {0} not null, updated {0} not null, finished {0} not null" },
    { "calls",
      "run text not null references runs, position {0} not null, phase text not null, name text not "
      "null, component text not null, place text not null, argument_hash text not null, arguments {1}, "
      "policy text not null, state text not null, token {0} not null, result {1}, "
      "begun {0} not null, settled {0} not null, primary key (run, position)" },
    { "sources", "hash text primary key, text {1} not null" },
    { "run_sources", "run text not null references runs, module text not null, "
                     "hash text not null references sources, primary key (run, module)" },
    { "leases", "target text primary key, run text not null references runs, token {0} not null, "
                "expires {0} not null" },
    { "plans",
      "hash text primary key, runbook text not null, version text not null, operator text not "
      "null, parameters {1}, sources {1}, effects {1}, made {0} not null, used_by text not null" },
    { "approvals",
      "plan text not null references plans, requester text not null, approver text not null, reason "
      "text not null, made {0} not null, expires {0} not null, used_by text not null, primary key "
      "(plan, approver, made)" },
    { "answers", "run text not null references runs, number {0} not null, question text not null, "
                 "answer {1}, given_by text not null, given {0} not null, primary key (run, number)" },
    { "audit", "number {0} primary key, at {0} not null, subject text not null, content text not null, "
               "mac text not null" },
    { "audit_head", "id {0} primary key, number {0} not null, mac text not null" },
    { "rehearsals",
      "id text primary key, runbook text not null, version text not null, sources text not null, "
      "parameters {1}, backup text not null, operator text not null, began {0} not null, "
      "took {0} not null, restore_took {0} not null, passed {0} not null, error {1}, effects {1}" },
    { "markers", "component text primary key, incarnation text not null, highest {0} not null, "
                 "seen {0} not null" },
};

// Tokens begin at the present second and rise by one a run: when the journal is lost, those of a new
// one are still above the ones that the game's databases remember.
std::int64_t first_token() { return now().microseconds / 1'000'000; }

} // namespace

std::vector<std::string> schema_statements(std::string_view integer, std::string_view bytes,
                                           std::string_view table_end) {
    std::vector<std::string> statements;
    for (const auto& table : tables)
        statements.push_back(fmt::format("create table if not exists {} ({}){}", table.name,
                                         fmt::format(fmt::runtime(table.columns), integer, bytes),
                                         table_end));
    statements.push_back(fmt::format("insert into journal values ({}, {}) on conflict do nothing",
                                     schema_version, first_token()));
    statements.emplace_back("insert into audit_head values (1, 0, '') on conflict do nothing");
    return statements;
}

std::vector<std::string> table_names() {
    std::vector<std::string> names;
    for (const auto& table : tables)
        names.emplace_back(table.name);
    return names;
}

Result<void> must_be_of_this_version(database::Session& session, std::string_view where) {
    const auto version = TRY(session.value("select version from journal"));
    if (version == Value(schema_version))
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("{} is a journal of version {}, this program writes {}", where,
                                     to_text(version), schema_version),
                  .fix = "use the respawn that wrote it" };
}

Result<void> copy_tables(database::Session& from, database::Session& to) {
    TRY(to.run("delete from journal"));
    TRY(to.run("delete from audit_head"));
    for (const auto& table : tables)
        TRY(from.query(fmt::format("select * from {}", table.name), {},
                       [&](const auto& columns, std::vector<Value> row) -> Result<void> {
                           std::string marks = "?";
                           for (std::size_t i = 1; i < columns.size(); ++i)
                               marks += ", ?";
                           return to.run(fmt::format("insert into {} values ({})", table.name, marks),
                                         row);
                       }));
    return {};
}

} // namespace respawn::journal
