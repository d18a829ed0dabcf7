// What a call means depends on the run's mode, and each mode is one class here: never an `if` in a
// primitive.
#pragma once

#include "run/game.h"
#include "run/primitive.h"

namespace respawn::run {

// A call that has passed the gate's checks.
struct Step {
    const Primitive& primitive;
    Value::Map arguments;
    std::int64_t position = 0;
    std::string phase;
    std::string where;         // file:line in the runbook
    std::string component;     // the database or component it touches, or empty
    std::string argument_hash; // hex
};

// What a step did or would do, for whoever shows or plans it.
struct Done {
    Value value;                           // what the script gets
    std::vector<database::RowChange> rows; // of a database write
    std::string note;                      // "again": replayed; "private copy 4.1 MiB"
};

class Mode {
  public:
    virtual ~Mode() = default;
    virtual std::string_view title() const = 0; // "DRY RUN", "LIVE"
    virtual Result<Done> perform(const Step& step) = 0;
    virtual Result<database::Reader*> reader(std::string_view component) = 0;
    // What is wrong with a component's data, a sentence each; of the private copy after a dry run's
    // restore.
    virtual Result<std::vector<std::string>> faults(std::string_view component) = 0;
    virtual Result<void> enter(std::string_view phase) = 0;
};

} // namespace respawn::run
