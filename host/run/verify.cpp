#include "run/verify.h"

#include "base/text.h"
#include "component/scratch.h"
#include "component/snapshot_sql.h"
#include "run/expectation.h"
#include "run/own_state.h"
#include "run/scratch_folder.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::run {

namespace {

constexpr std::size_t longest_found = 1000; // of a cell in a proof

// Those that say nothing about the backup.
bool is_of_place(const Error& error) {
    return error.kind == Kind::cancelled || error.kind == Kind::no_space ||
           error.kind == Kind::denied || error.kind == Kind::usage || error.kind == Kind::unavailable;
}

std::string text_of(const Error& error) {
    return error.kind == Kind::unsupported && !error.fix.empty()
               ? fmt::format("{}: {}", error.why, error.fix)
               : error.why;
}

class Verifying {
  public:
    Verifying(vault::Vault& vault, const config::Config* config, const VerifyRequest& request,
              const Cancellation& cancel, const VerifyProgress& progress)
        : vault_(vault), config_(config), request_(request), cancel_(cancel), progress_(progress) {}

    Result<Verification> run() {
        TRY(choose_checks());
        const auto scratch = TRY(ScratchFolder::take(request_.scratch));
        for (const auto& record : request_.snapshot.components)
            if (record.success)
                TRY(look_at(record, scratch));
            else
                done_.copies.push_back(
                    { .component = record.name, .kind = record.kind, .error = record.error });
        say_unasked();
        if (config_)
            done_.rules = TRY(check_rules(vault_, request_.snapshot, *config_, {}, cancel_));
        done_.duration = (now() - done_.started).count();
        return std::move(done_);
    }

  private:
    Result<void> choose_checks() {
        done_.snapshot = request_.snapshot.id;
        done_.plan = request_.plan.empty() ? request_.snapshot.plan : request_.plan;
        done_.started = now();
        if (!config_)
            return {};
        if (!request_.plan.empty() && !config_->plan(request_.plan))
            return Error{ .kind = Kind::usage,
                          .why = fmt::format("there is no plan '{}' in the configuration",
                                             printable(request_.plan)) };
        for (const auto& plan : config_->plans)
            if (done_.plan.empty() || plan.name == done_.plan)
                for (const auto& check : plan.checks)
                    done_.checks.push_back({ .check = check, .component = meant(check), .error = {} });
        return {};
    }

    // The component of a check that names none: the only database of the snapshot.
    std::string meant(const config::CheckSettings& check) const {
        if (!check.component.empty())
            return check.component;
        std::string only;
        for (const auto& record : request_.snapshot.components)
            if (component::holds_tables(record.kind) && !is_own_state(record.name)) {
                if (!only.empty())
                    return {};
                only = record.name;
            }
        return only;
    }

    Result<void> look_at(const vault::ComponentRecord& record, const ScratchFolder& scratch) {
        const auto folder = TRY(io::TemporaryFolder::make(scratch.folder));
        component::ScratchPlace place{ .folder = folder.path(), .id = scratch.id };
        if (config_) {
            place.server = config_->scratch_server(record.name);
            place.live = config_->component(record.name);
        }
        auto looked = look_at_copy(record, place);
        open_up(folder.path());
        return std::move(looked).while_doing("verify " + record.name);
    }

    Result<void> look_at_copy(const vault::ComponentRecord& record,
                              const component::ScratchPlace& place) {
        component::Work work{ .cancel = cancel_ };
        if (progress_)
            work.progress = [&](std::uint64_t done, std::uint64_t total) {
                progress_(record.name, done, total);
            };
        const auto started = now();
        auto copy = component::restore_to_scratch(vault_, record, place, work);
        if (!copy.ok() && is_of_place(copy.error()))
            return copy.error();
        done_.copies.push_back({ .component = record.name,
                                 .kind = record.kind,
                                 .size_bytes = record.size_bytes,
                                 .files = record.files,
                                 .duration = (now() - started).count(),
                                 .error = copy.ok() ? "" : text_of(copy.error()),
                                 .left_out = !copy.ok() && copy.error().kind == Kind::unsupported,
                                 .notes = {} });
        if (copy.ok())
            done_.copies.back().notes = copy.value()->report().notes;
        for (auto& check : done_.checks)
            if (copy.ok() && check.component == record.name)
                TRY(ask(check, *copy.value()));
        return {};
    }

    Result<void> ask(CheckOutcome& outcome, component::ScratchCopy& copy) {
        TRY(cancel_.check());
        const auto started = now();
        auto answer = copy.query(outcome.check.sql);
        outcome.duration = (now() - started).count();
        if (!answer.ok()) {
            outcome.error = answer.error().why;
            return {};
        }
        const auto& rows = answer.value().rows;
        if (!rows.empty() && !rows.front().empty())
            outcome.found = rows.front().front();
        if (outcome.check.expected.within)
            TRY(find_before(outcome));
        outcome.passed =
            outcome.error.empty() && holds(outcome.check.expected, outcome.found, outcome.before);
        return {};
    }

    // What the last backup before has: as its proof says it, else asked now, where it lies.
    Result<void> find_before(CheckOutcome& outcome) {
        if (!snapshots_)
            snapshots_ = TRY(vault_.snapshots());
        const vault::Snapshot* before = nullptr;
        for (const auto& snapshot : *snapshots_) {
            const auto* record = snapshot.component(outcome.component);
            if (snapshot.started < request_.snapshot.started && record && record->success &&
                record->error.empty())
                before = &snapshot;
        }
        if (!before || TRY(find_proven(before->id, outcome)))
            return {};
        auto sql = component::SnapshotSql::open(vault_, { before->component(outcome.component) });
        auto asked = sql.ok() ? sql.value().query(outcome.check.sql,
                                                  [&](const auto&, std::vector<Value> row) {
                                                      if (outcome.before.is_null() && !row.empty())
                                                          outcome.before = std::move(row.front());
                                                      return Result<void>();
                                                  })
                              : Result<void>(sql.error());
        if (!asked.ok())
            outcome.error = fmt::format("the backup before ({}) cannot be asked: {}", before->id,
                                        asked.error().why);
        return {};
    }

    Result<bool> find_proven(const std::string& snapshot, CheckOutcome& outcome) {
        if (!proofs_)
            proofs_ = TRY(vault_.proofs());
        const auto proof = proofs_->find(snapshot);
        const auto* checks =
            proof == proofs_->end() ? nullptr : proof->second.detail.at("checks").list();
        for (const auto& check : checks ? *checks : Value::List{})
            if (check.text_at("sql") == outcome.check.sql && check.text_at("error").empty() &&
                check.text_at("component") == outcome.component)
                outcome.before = check.at("found");
        return !outcome.before.is_null();
    }

    void say_unasked() {
        for (auto& check : done_.checks) {
            const auto* record = request_.snapshot.component(check.component);
            if (check.component.empty())
                check.error = "the backup holds no database, or several: name the check's component";
            else if (!record || !record->success)
                check.error = fmt::format("the backup does not hold component {}", check.component);
            else if (std::ranges::any_of(done_.copies, [&](const CopyOutcome& copy) {
                         return copy.component == check.component && !copy.error.empty();
                     }))
                check.error = "its component was not brought back";
        }
    }

    vault::Vault& vault_;
    const config::Config* config_;
    const VerifyRequest& request_;
    const Cancellation& cancel_;
    const VerifyProgress& progress_;
    Verification done_;
    std::optional<std::vector<vault::Snapshot>> snapshots_;
    std::optional<std::map<std::string, vault::Proof>> proofs_;
};

Value to_value(const CopyOutcome& copy) {
    return Value::Map{ { "component", copy.component },
                       { "type", copy.kind },
                       { "size_bytes", static_cast<std::int64_t>(copy.size_bytes) },
                       { "files", static_cast<std::int64_t>(copy.files) },
                       { "duration_seconds", static_cast<double>(copy.duration) / 1e6 },
                       { "error", copy.error },
                       { "left_out", copy.left_out },
                       { "notes", Value::List(copy.notes.begin(), copy.notes.end()) },
                       { "success", copy.error.empty() } };
}

Value to_value(const CheckOutcome& check) {
    return Value::Map{ { "name", check.check.name },
                       { "component", check.component },
                       { "sql", check.check.sql },
                       { "expected", to_text(check.check.expected) },
                       { "found", check.found },
                       { "before", check.before },
                       { "duration_seconds", static_cast<double>(check.duration) / 1e6 },
                       { "error", check.error },
                       { "passed", check.passed } };
}

template <class T> Value list_of(const std::vector<T>& all) {
    Value::List list;
    for (const auto& one : all)
        list.push_back(to_value(one));
    return list;
}

} // namespace

std::int64_t Verification::restore_duration() const {
    std::int64_t sum = 0;
    for (const auto& copy : copies)
        sum += copy.duration;
    return sum;
}

bool Verification::passed() const {
    return std::ranges::all_of(copies, [](const auto& copy) { return copy.error.empty(); }) &&
           std::ranges::all_of(checks, &CheckOutcome::passed) &&
           std::ranges::all_of(rules, &RuleOutcome::held);
}

bool Verification::tells() const {
    const auto is_left_out = [&](const std::string& component) {
        return std::ranges::any_of(
            copies, [&](const auto& copy) { return copy.left_out && copy.component == component; });
    };
    return std::ranges::none_of(copies, &CopyOutcome::left_out) ||
           std::ranges::any_of(
               copies, [](const auto& copy) { return !copy.left_out && !copy.error.empty(); }) ||
           std::ranges::any_of(
               checks,
               [&](const auto& check) { return !check.passed && !is_left_out(check.component); }) ||
           !std::ranges::all_of(rules, &RuleOutcome::held);
}

Result<Verification> verify(vault::Vault& vault, const config::Config* config,
                            const VerifyRequest& request, const Cancellation& cancel,
                            const VerifyProgress& progress) {
    return Verifying(vault, config, request, cancel, progress).run();
}

Value to_value(const Verification& verification) {
    return Value::Map{ { "backup_id", verification.snapshot },
                       { "plan", verification.plan },
                       { "start_time", to_rfc3339(verification.started) },
                       { "duration_seconds", static_cast<double>(verification.duration) / 1e6 },
                       { "rto_seconds", static_cast<double>(verification.restore_duration()) / 1e6 },
                       { "components", list_of(verification.copies) },
                       { "checks", list_of(verification.checks) },
                       { "rules", list_of(verification.rules) },
                       { "passed", verification.passed() } };
}

vault::Proof proof_of(const Verification& verification) {
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    return { .snapshot = verification.snapshot,
             .at = now(),
             .host = host,
             .duration = verification.restore_duration(),
             .passed = verification.passed(),
             .detail = to_value(verification) };
}

std::string proof_text(const vault::Proof* proof) {
    if (!proof)
        return "unproven";
    return fmt::format("{} {} ago", proof->passed ? "proven" : "failed",
                       human_duration(now() - proof->at));
}

} // namespace respawn::run
