// A plan: the effects a dry run showed, in order, with the rows they touch. Its hash is what a person
// agrees to.
#pragma once

#include "run/mode.h"

namespace respawn::run {

// One effect as a plan holds it: {phase, name, component, arguments, rows}. Values that are only made
// at the moment of the effect (the clock, new ids) stand in it as symbols.
Value planned_effect(const Step& step, const database::Write* write,
                     const std::vector<database::RowChange>& rows);

// Kind::unknown when an argument is something that only a live run knows. The clock is no such thing:
// whoever writes fills it in.
Result<void> must_be_known(const Step& step);

// 64 hex digits over the text of every module, so that the same ones are the same source.
std::string sources_hash(const Value& sources);
Value sources_value(const journal::Sources& sources);
// 64 hex digits over runbook, parameters, sources and effects.
std::string plan_hash(const journal::PlanRecord& plan);

// Does an effect about to happen agree with the planned one? A symbol in the plan stands for any value.
bool agrees(const Value& planned, const Value& actual);

// Where two lists of effects differ, a line for each cell or argument, for a person.
std::vector<std::string> differences(const Value& planned, const Value& actual);

} // namespace respawn::run
