#include "journal/held_by.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::journal {

bool one_contains_other(std::string_view a, std::string_view b) {
    return a.starts_with(b) || b.starts_with(a);
}

Error held_by(const RunRecord& run) {
    if (run.state != RunState::running || is_interrupted(run))
        return { .kind = Kind::leased,
                 .why = fmt::format("run {} of {} works on {} (not finished)", run.id, run.runbook,
                                    run.target),
                 .fix = fmt::format(
                     "finish it first: respawn resume {0}, or give it up: respawn resume {0} --abort",
                     run.id) };
    if (run.life == Liveness::alive)
        return { .kind = Kind::leased,
                 .why = fmt::format("run {} of {} works on {} (running now)", run.id, run.runbook,
                                    run.target),
                 .fix = fmt::format("wait for it: respawn runs show {}", run.id) };
    return { .kind = Kind::leased,
             .why = fmt::format("run {} of {} works on {} (running on {}, last heard of {} ago)",
                                run.id, run.runbook, run.target, printable(run.holder.host),
                                human_duration(run.silent)),
             .fix =
                 fmt::format("wait for it. If that host is gone: in {} its lease ends, then: respawn "
                             "resume {}",
                             human_duration(run.lease_left), run.id) };
}

} // namespace respawn::journal
