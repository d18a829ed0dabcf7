// Sorts keys with their rows, however many, within bounded memory: what does not fit is written to
// files of a folder that have no name, so that nothing stays when the process dies.
#pragma once

#include "io/file.h"

#include <functional>
#include <memory>
#include <string_view>

namespace respawn::component {

class RowSort {
  public:
    static constexpr std::size_t usual_memory = 8 << 20;
    // `folder` is made when it is first needed. Memory is taken as rows come.
    explicit RowSort(io::Path folder, std::size_t memory = usual_memory);
    RowSort(RowSort&&) noexcept;
    RowSort& operator=(RowSort&&) noexcept;
    ~RowSort();

    Result<void> add(std::string_view key, std::string_view row);
    // All of them by the bytes of their keys, equal keys in the order in which they came. Once.
    using Take = std::function<Result<void>(std::string_view key, std::string_view row)>;
    Result<void> each(const Take& take);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace respawn::component
