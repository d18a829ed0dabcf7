#include "journal/rows.h"

#include "base/bytes.h"
#include "base/text.h"

#include <fmt/format.h>

namespace respawn::journal {

namespace {

template <class Enum> Enum from_name(std::string_view name, int count) {
    for (int i = 0; i < count; ++i)
        if (name_of(static_cast<Enum>(i)) == name)
            return static_cast<Enum>(i);
    return static_cast<Enum>(0);
}

} // namespace

std::string text_of(const Value::Map& row, std::string_view column) {
    const auto found = row.find(column);
    return found != row.end() && found->second.text() ? *found->second.text() : std::string();
}

std::int64_t number_of(const Value::Map& row, std::string_view column) {
    const auto found = row.find(column);
    return found != row.end() && found->second.integer() ? *found->second.integer() : 0;
}

Value Rows::sealed(const Value& value, std::string_view row, std::string_view column) const {
    if (value.is_null())
        return nullptr;
    return Blob{ crypto::seal_box(key_, fmt::format("respawn journal {} {}", row, column),
                                  encode(value)) };
}

Result<Value> Rows::opened(const Value::Map& row, std::string_view column,
                           std::string_view row_name) const {
    const auto found = row.find(column);
    if (found == row.end() || !found->second.blob())
        return Value();
    auto plain = crypto::open_box(key_, fmt::format("respawn journal {} {}", row_name, column),
                                  found->second.blob()->bytes);
    if (!plain.ok())
        return Error{ .kind = Kind::denied,
                      .why = fmt::format("the journal's {} of {} cannot be read: {}", column, row_name,
                                         plain.error().why),
                      .fix = "use the vault and key this journal was written with" };
    return decode(plain.value());
}

std::vector<Value> Rows::values(const RunRecord& run) const {
    return { run.id,
             run.runbook,
             run.version,
             run.mode,
             run.target,
             printable(run.operator_name),
             printable(run.reason),
             run.plan,
             sealed(run.parameters, run.id, "parameters"),
             sealed(run.description, run.id, "description"),
             name_of(run.state),
             run.phase,
             sealed(run.error, run.id, "error"),
             run.token,
             run.holder.host,
             run.holder.boot,
             run.holder.pid,
             run.holder.process_start };
}

std::vector<Value> Rows::values(std::string_view run, const CallRecord& call) const {
    return { run,
             call.position,
             printable(call.phase),
             call.name,
             printable(call.component),
             printable(call.where),
             call.argument_hash,
             sealed(call.arguments, run, "arguments"),
             name_of(call.policy),
             name_of(call.state),
             call.token,
             sealed(call.result, run, "result"),
             call.begun.microseconds,
             call.settled.microseconds };
}

std::vector<Value> Rows::values(const RehearsalRecord& rehearsal) const {
    return { rehearsal.id,
             rehearsal.runbook,
             rehearsal.version,
             rehearsal.sources,
             sealed(rehearsal.parameters, rehearsal.id, "parameters"),
             rehearsal.backup,
             printable(rehearsal.operator_name),
             rehearsal.began.microseconds,
             rehearsal.took.count(),
             rehearsal.restore_took.count(),
             rehearsal.passed ? 1 : 0,
             sealed(rehearsal.error, rehearsal.id, "error"),
             sealed(rehearsal.effects, rehearsal.id, "effects") };
}

Result<RunRecord> Rows::run(const Value::Map& row, Sharing sharing) const {
    const auto id = text_of(row, "id");
    auto parameters = TRY(opened(row, "parameters", id));
    auto description = TRY(opened(row, "description", id));
    auto error = TRY(opened(row, "error", id));
    const Holder holder{ text_of(row, "host"), text_of(row, "boot"), number_of(row, "pid"),
                         number_of(row, "process_start") };
    return RunRecord{ .id = id,
                      .runbook = text_of(row, "runbook"),
                      .version = text_of(row, "version"),
                      .mode = text_of(row, "mode"),
                      .target = text_of(row, "target"),
                      .operator_name = text_of(row, "operator"),
                      .reason = text_of(row, "reason"),
                      .plan = text_of(row, "plan"),
                      .parameters = std::move(parameters),
                      .description = std::move(description),
                      .state = from_name<RunState>(text_of(row, "state"), 6),
                      .phase = text_of(row, "phase"),
                      .error = std::move(error),
                      .token = number_of(row, "token"),
                      .holder = holder,
                      .started = { number_of(row, "started") },
                      .updated = { number_of(row, "updated") },
                      .finished = { number_of(row, "finished") },
                      .life = liveness(holder, sharing),
                      .silent = Duration(number_of(row, "silent")),
                      .lease_left = Duration(number_of(row, "lease_left")) };
}

Result<CallRecord> Rows::call(const Value::Map& row) const {
    const auto run = text_of(row, "run");
    auto arguments = TRY(opened(row, "arguments", run));
    auto result = TRY(opened(row, "result", run));
    return CallRecord{ .position = number_of(row, "position"),
                       .phase = text_of(row, "phase"),
                       .name = text_of(row, "name"),
                       .component = text_of(row, "component"),
                       .where = text_of(row, "place"),
                       .argument_hash = text_of(row, "argument_hash"),
                       .arguments = std::move(arguments),
                       .policy = from_name<Policy>(text_of(row, "policy"), 5),
                       .state = from_name<CallState>(text_of(row, "state"), 5),
                       .token = number_of(row, "token"),
                       .result = std::move(result),
                       .begun = { number_of(row, "begun") },
                       .settled = { number_of(row, "settled") } };
}

Result<AnswerRecord> Rows::answer(const Value::Map& row) const {
    const auto given = TRY(opened(row, "answer", text_of(row, "run")));
    return AnswerRecord{ .number = number_of(row, "number"),
                         .question = text_of(row, "question"),
                         .answer = given.text() ? *given.text() : std::string(),
                         .by = text_of(row, "given_by"),
                         .given = { number_of(row, "given") } };
}

ApprovalRecord Rows::approval(const Value::Map& row) {
    return { .plan = text_of(row, "plan"),
             .requester = text_of(row, "requester"),
             .approver = text_of(row, "approver"),
             .reason = text_of(row, "reason"),
             .made = { number_of(row, "made") },
             .expires = { number_of(row, "expires") },
             .used_by = text_of(row, "used_by"),
             .holds = text_of(row, "used_by").empty() &&
                      number_of(row, "expires") > number_of(row, "present") };
}

Result<PlanRecord> Rows::plan(const Value::Map& row) const {
    const auto full = text_of(row, "hash");
    auto parameters = TRY(opened(row, "parameters", full));
    auto sources = TRY(opened(row, "sources", full));
    auto effects = TRY(opened(row, "effects", full));
    return PlanRecord{ .hash = full,
                       .runbook = text_of(row, "runbook"),
                       .version = text_of(row, "version"),
                       .operator_name = text_of(row, "operator"),
                       .parameters = std::move(parameters),
                       .sources = std::move(sources),
                       .effects = std::move(effects),
                       .made = { number_of(row, "made") },
                       .used_by = text_of(row, "used_by") };
}

Result<RehearsalRecord> Rows::rehearsal(const Value::Map& row) const {
    const auto id = text_of(row, "id");
    auto parameters = TRY(opened(row, "parameters", id));
    auto error = TRY(opened(row, "error", id));
    auto effects = TRY(opened(row, "effects", id));
    return RehearsalRecord{ .id = id,
                            .runbook = text_of(row, "runbook"),
                            .version = text_of(row, "version"),
                            .sources = text_of(row, "sources"),
                            .parameters = std::move(parameters),
                            .backup = text_of(row, "backup"),
                            .operator_name = text_of(row, "operator"),
                            .began = { number_of(row, "began") },
                            .took = Duration(number_of(row, "took")),
                            .restore_took = Duration(number_of(row, "restore_took")),
                            .passed = number_of(row, "passed") == 1,
                            .error = std::move(error),
                            .effects = std::move(effects) };
}

} // namespace respawn::journal
