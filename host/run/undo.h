// What a run changed in the databases, from its journal, and what takes that back.
#pragma once

#include "run/primitive.h"

namespace respawn::run {

// One row that a run changed by its own words, over all its writes. What triggers and cascades of the
// game did besides is theirs to take back, when the row changes again.
struct UndoableRow {
    enum class State { ready, undone, moved }; // is as the run left it; as it was before; neither
    database::RowChange change;
    State state = State::moved;
    std::string problem; // why a moved one cannot be taken back
};

struct UndoableRun {
    std::string run, runbook; // id, "wox/stuck_duel"
    std::vector<UndoableRow> rows;
};

// The databases that a run wrote to, each once. Kind::missing for a run that is not there,
// Kind::conflict for one that is still at work.
Result<std::vector<std::string>> databases_of_run(const Call& call, std::string_view run);
// The rows of one of them, each beside the live one, read through the call's reader.
Result<UndoableRun> find_undoable(const Call& call, std::string_view run, std::string_view component);
// Takes back those that are ready, the last change first.
std::vector<database::Change> changes_of(const UndoableRun& undoable);

} // namespace respawn::run
