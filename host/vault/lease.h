// The lease: one prune, cleanup or undelete at a time. Its files are lease/NNNNNNNN; a conditional
// create of the next number takes it, and that number is the fencing token: whoever is not the highest
// any more has to stop. The last one stays and remembers what time it was.
#pragma once

#include "vault/state.h"

#include <chrono>

namespace respawn::vault {

class Lease {
  public:
    // Kind::leased while somebody alive has it. The holder's time is counted by the location's clock; a
    // holder of this cache folder that is dead is not waited for.
    static Result<Lease> take(Vault::State& vault, Duration span);
    Lease(Lease&&) noexcept = default;

    // Kind::leased when somebody else has taken it over. Renews it when half of its time is over.
    Result<void> hold();
    Result<void> release();

    Moment now() const { return taken_; } // the location's, when it was taken
    // The location's time when the lease was last used; none the first time.
    std::optional<Moment> last_used() const { return last_used_; }

  private:
    Lease(Vault::State& vault, Duration span, io::FileLock lock)
        : vault_(&vault), span_(span), lock_(std::move(lock)) {}
    Result<void> advance(bool released);

    Vault::State* vault_;
    Duration span_;
    io::FileLock lock_;
    std::string holder_;
    std::uint64_t token_ = 0;
    Moment taken_;
    std::optional<Moment> last_used_;
    std::chrono::steady_clock::time_point renewed_;
};

// When the lease was last used, without taking it.
Result<std::optional<Moment>> lease_last_used(Vault::State& vault);

std::string lease_fault(Vault::State& vault, std::string_view name, std::string_view bytes);

} // namespace respawn::vault
