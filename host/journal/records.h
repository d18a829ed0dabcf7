// Runs, calls, sources and plans in the tables of a journal: written and found. Thread-safe: it only
// holds the key.
#pragma once

#include "journal/rows.h"
#include "journal/store.h"

namespace respawn::journal {

class Records {
  public:
    // The store outlives it.
    Records(const Store& store, const crypto::Key& key) : store_(store), rows_(key) {}
    const Rows& rows() const { return rows_; }

    Result<void> insert_run(database::Session& session, const RunRecord& run) const;
    Result<void> insert_sources(database::Session& session, std::string_view run,
                                const Sources& sources) const;
    // With the approvals that it takes. Kind::moved when the run's plan was used before.
    Result<void> use_plan(database::Session& session, const RunRecord& run) const;
    // In place of one that stood there.
    Result<void> insert_call(database::Session& session, std::string_view run,
                             const CallRecord& call) const;
    Result<void> must_not_have_happened(database::Session& session, std::string_view run,
                                        std::int64_t position) const;

    // Newest first.
    Result<std::vector<RunRecord>> newest_runs(database::Session& session, std::size_t most) const;
    Result<RunRecord> find_run(database::Session& session, std::string_view name) const;
    // Nobody else writes about it until the transaction ends.
    Result<RunRecord> find_and_lock(database::Session& session, std::string_view name) const;
    Result<PlanRecord> find_plan(database::Session& session, std::string_view hash) const;
    Result<void> insert_rehearsal(database::Session& session, const RehearsalRecord& rehearsal) const;
    // Newest first, without their effects; of these sources alone, when any are named.
    Result<std::vector<RehearsalRecord>> newest_rehearsals(database::Session& session, std::size_t most,
                                                           std::string_view sources) const;
    Result<RehearsalRecord> find_rehearsal(database::Session& session, std::string_view name) const;

    // Anew, it can be used again.
    Result<void> save_plan(database::Session& session, const PlanRecord& plan) const;
    // Kind::conflict when a run was started with the plan; none is until the transaction ends.
    Result<void> must_be_unused(database::Session& session, std::string_view plan) const;
    // In place of an unused one of the same person.
    Result<void> replace_approval(database::Session& session, const ApprovalRecord& approval) const;
    Result<std::vector<ApprovalRecord>> approvals(database::Session& session,
                                                  std::string_view plan) const;
    Result<std::vector<AnswerRecord>> answers(database::Session& session, std::string_view run) const;

  private:
    Result<void> use_approvals(database::Session& session, const RunRecord& run) const;
    Result<std::vector<RunRecord>> select_runs(database::Session& session, std::string_view where,
                                               const std::vector<Value>& parameters) const;

    const Store& store_;
    const Rows rows_;
};

} // namespace respawn::journal
