#include "base/result.h"

namespace respawn {

MaybeError::MaybeError(Error&& error) : held_(new Error(std::move(error))) {}
MaybeError::MaybeError(const Error& error) : held_(new Error(error)) {}
MaybeError::MaybeError(const MaybeError& other) : held_(other ? new Error(*other) : nullptr) {}
void MaybeError::drop() { delete held_; }

void MaybeError::name_task(std::string_view what, std::string_view on) {
    if (!held_ || !held_->what.empty())
        return;
    held_->what = what;
    held_->on = on;
}

} // namespace respawn
