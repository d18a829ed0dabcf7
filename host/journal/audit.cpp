#include "journal/audit.h"

#include "base/bytes.h"
#include "base/text.h"
#include "journal/rows.h"

#include <fmt/format.h>
#include <map>

namespace respawn::journal {

using database::Session;

namespace {

constexpr std::size_t most_faults = 100;

// What is watched: all but what changes without a word (heartbeats).
struct WatchedTable {
    std::string_view name, key, columns;
};
constexpr WatchedTable watched[] = {
    { "runs", "id",
      "id, runbook, version, mode, target, operator, reason, plan, parameters, description, state, "
      "phase, error, token, host, boot, pid, process_start, started, finished" },
    { "calls", "run, position",
      "run, position, phase, name, component, place, argument_hash, arguments, policy, state, token, "
      "result, begun, settled" },
    { "answers", "run, number", "run, number, question, answer, given_by, given" },
    { "approvals", "plan, approver, made",
      "plan, requester, approver, reason, made, expires, used_by" },
    { "rehearsals", "id",
      "id, runbook, version, sources, parameters, backup, operator, began, took, restore_took, passed, "
      "error, effects" },
};

const WatchedTable& table_named(std::string_view name) {
    for (const auto& table : watched)
        if (table.name == name)
            return table;
    return watched[0];
}

// "calls 01J8… 7"
std::string subject_of(std::string_view table, const std::vector<Value>& key) {
    std::string subject(table);
    for (const auto& part : key)
        subject += " " + (part.text() ? *part.text() : to_text(part));
    return subject;
}

std::string content_of(const std::vector<Value>& row) {
    return to_hex(crypto::sha256(encode(Value(Value::List(row.begin(), row.end())))));
}

// "run = ? and position = ?"
std::string condition_of(const WatchedTable& table) {
    std::string condition;
    for (const auto column : split(table.key, ','))
        condition += fmt::format("{}{} = ?", condition.empty() ? "" : " and ", trimmed(column));
    return condition;
}

// Hex, or empty for a row that is gone.
Result<std::string> content_now(Session& session, const Watched& row) {
    const auto& table = table_named(row.table);
    std::string content;
    TRY(session.query(
        fmt::format("select {} from {} where {}", table.columns, table.name, condition_of(table)),
        row.key, [&](const auto&, std::vector<Value> values) -> Result<void> {
            content = content_of(values);
            return {};
        }));
    return content;
}

} // namespace

Result<std::vector<Watched>> watched_approvals(Session& session, std::string_view plan) {
    std::vector<Watched> all;
    for (const auto& row :
         TRY(session.rows("select plan, approver, made from approvals where plan = ?", { plan })))
        all.push_back({ "approvals", { row.at("plan"), row.at("approver"), row.at("made") } });
    return all;
}

struct Audit::Entry {
    std::int64_t number = 0, at = 0;
    std::string subject, content;
};

Audit::Audit(const Store& store, const crypto::Key& key)
    : store_(store), key_(crypto::derive(key, "respawn audit")) {}

std::string Audit::mac_of(const Entry& entry, const std::string& before) const {
    return to_hex(crypto::hmac_sha256(
        key_, encode(Value::List{ before, entry.number, entry.at, entry.subject, entry.content })));
}

Result<void> Audit::append(Session& session, const std::vector<Watched>& rows) const {
    if (rows.empty())
        return {};
    // The first write lets nobody else append until the commit.
    TRY(session.run("update audit_head set number = number + ?",
                    { static_cast<std::int64_t>(rows.size()) }));
    const auto heads = TRY(session.rows(
        fmt::format("select number, mac, {} as present from audit_head", store_.present())));
    if (heads.size() != 1)
        return Error{ .kind = Kind::corrupt, .why = "the journal's audit chain has lost its head" };
    auto mac = text_of(heads[0], "mac");
    Entry entry{ .number = number_of(heads[0], "number") - static_cast<std::int64_t>(rows.size()),
                 .at = number_of(heads[0], "present"),
                 .subject = {},
                 .content = {} };
    for (const auto& row : rows) {
        ++entry.number;
        entry.subject = subject_of(row.table, row.key);
        entry.content = TRY(content_now(session, row));
        mac = mac_of(entry, mac);
        TRY(session.run("insert into audit values (?, ?, ?, ?, ?)",
                        { entry.number, entry.at, entry.subject, entry.content, mac }));
    }
    return session.run("update audit_head set mac = ?", { mac });
}

namespace {

// What the chain says each row should be, and what comes of comparing.
class Comparison {
  public:
    void said(std::string subject, std::string content) {
        if (content.empty())
            newest_.erase(subject);
        else
            newest_.insert_or_assign(std::move(subject), std::move(content));
    }
    void found(const std::string& subject, const std::string& content) {
        const auto said = newest_.find(subject);
        if (said == newest_.end())
            fault(fmt::format("{} was not written by respawn", printable(subject)));
        else if (said->second != content)
            fault(fmt::format("{} was changed since respawn wrote it", printable(subject)));
        if (said != newest_.end())
            newest_.erase(said);
    }
    void end() {
        for (const auto& [subject, content] : newest_)
            fault(fmt::format("{} was taken away", printable(subject)));
    }
    void fault(std::string text) {
        if (report.faults.size() < most_faults)
            report.faults.push_back(std::move(text));
        else
            ++report.more_faults;
    }
    AuditReport report;

  private:
    std::map<std::string, std::string> newest_;
};

} // namespace

Result<AuditReport> Audit::verify(Session& session, std::string_view known_head) const {
    Comparison compared;
    std::string before;
    std::int64_t number = 0;
    bool known_found = known_head.empty();
    // A write that changes nothing: nobody appends, and so nobody writes a row, until we are through.
    TRY(session.run("update audit_head set number = number"));
    TRY(session.query(
        "select number, at, subject, content, mac from audit order by number", {},
        [&](const auto&, std::vector<Value> row) -> Result<void> {
            const auto text = [&](int i) { return row[i].text() ? *row[i].text() : std::string(); };
            const Entry entry{ .number = row[0].integer() ? *row[0].integer() : 0,
                               .at = row[1].integer() ? *row[1].integer() : 0,
                               .subject = text(2),
                               .content = text(3) };
            if (entry.number != ++number || mac_of(entry, before) != text(4)) {
                compared.fault(
                    fmt::format("entry {} of the chain is not the one that stood there", number));
                number = entry.number;
            }
            before = text(4);
            known_found = known_found || known_head == fmt::format("{}:{}", entry.number, before);
            compared.said(entry.subject, entry.content);
            return {};
        }));
    const auto heads = TRY(session.rows("select number, mac from audit_head"));
    if (heads.size() != 1 || number_of(heads[0], "number") != number ||
        text_of(heads[0], "mac") != before)
        compared.fault("the end of the chain was taken away");
    if (!known_found)
        compared.fault(
            fmt::format("{} does not lie in the chain: it was made anew since", printable(known_head)));
    for (const auto& table : watched) {
        const auto keys = split(table.key, ',').size();
        TRY(session.query(fmt::format("select {}, {} from {}", table.key, table.columns, table.name),
                          {}, [&](const auto&, std::vector<Value> row) -> Result<void> {
                              const auto middle = row.begin() + static_cast<long>(keys);
                              compared.found(subject_of(table.name, { row.begin(), middle }),
                                             content_of({ middle, row.end() }));
                              return {};
                          }));
    }
    compared.end();
    compared.report.entries = number;
    compared.report.head = fmt::format("{}:{}", number, before);
    return std::move(compared.report);
}

} // namespace respawn::journal
