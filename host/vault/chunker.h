// Cuts a stream of bytes at places that its content chooses, so that an insertion moves no other cut.
// The table is keyed: the sizes of chunks tell nothing about their content.
#pragma once

#include "crypto/crypto.h"
#include "io/stream.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace respawn::vault {

class Chunker {
  public:
    static constexpr std::size_t smallest = 64 << 10;
    static constexpr std::size_t usual = 256 << 10;
    static constexpr std::size_t largest = 1 << 20;

    explicit Chunker(const crypto::Key& key);
    // How many of these bytes, which begin a chunk, are the chunk; all when they are fewer than
    // `largest` and no place to cut is among them.
    std::size_t cut(std::string_view bytes) const;
    // Hands every chunk of the source to `take`, in order. One source at a time.
    Result<void> each(io::Source& source,
                      const std::function<Result<void>(std::string_view chunk)>& take);

  private:
    std::array<std::uint64_t, 256> gear_{};
    std::unique_ptr<char[]> buffer_;
};

} // namespace respawn::vault
