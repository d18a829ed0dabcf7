// A text that comes a few bytes at a time, so that whatever reads it meets the end of a piece
// everywhere.
#pragma once

#include "io/stream.h"

#include <algorithm>

namespace respawn::testing {

class Piecewise final : public io::Source {
  public:
    Piecewise(std::string_view text, std::size_t step) : text_(text), step_(step) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override {
        const auto taken = text_.copy(buffer, std::min(size, step_));
        text_.remove_prefix(taken);
        return taken;
    }

  private:
    std::string_view text_;
    const std::size_t step_;
};

} // namespace respawn::testing
