#include "vault/compress.h"

#include "vault/format.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <zstd.h>

namespace respawn::vault {

namespace {

constexpr int fast = 1, thorough = 3;
constexpr std::size_t sample_size = 4096, samples = 4;
constexpr std::size_t trial_size = 64 << 10, least_trial = 256 << 10;
// Neighbours are mostly of one kind: a trial serves so many bytes of them, more with each that ends as
// the last, and ends with one that shrinks differently.
constexpr std::size_t trial_serves = 1 << 20, trial_serves_at_most = 8 << 20;

struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::size_t packed_size(std::string& out, std::string_view plain, int level) {
    thread_local const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
    out.resize(std::max(out.size(), ZSTD_compressBound(plain.size()))); // not cleared each time
    const auto size =
        ZSTD_compressCCtx(context.get(), out.data(), out.size(), plain.data(), plain.size(), level);
    return ZSTD_isError(size) ? SIZE_MAX : size;
}

// Four pieces spread over the chunk: already compressed or encrypted data shows in all of them.
bool looks_dense(std::string_view plain) {
    if (plain.size() < 4 * samples * sample_size)
        return false;
    std::string pieces, out;
    for (std::size_t i = 0; i < samples; ++i)
        pieces += plain.substr((plain.size() - sample_size) / (samples - 1) * i, sample_size);
    return packed_size(out, pieces, fast) > pieces.size() - pieces.size() / 32;
}

// The thorough level takes half as much time again, and for some data gives nothing: it has to save a
// thirty-second more of a stretch from the middle.
int better_level(std::string_view plain) {
    const auto size = std::min(trial_size, plain.size());
    const auto stretch = plain.substr((plain.size() - size) / 2, size);
    std::string out;
    const auto quick = packed_size(out, stretch, fast);
    return packed_size(out, stretch, thorough) < quick - quick / 32 ? thorough : fast;
}

// The level for the chunks of one thread.
class Level {
  public:
    int of(std::string_view plain) {
        if (plain.size() < least_trial)
            return thorough;
        if (left_ < plain.size())
            try_on(plain);
        left_ -= std::min(left_, plain.size());
        return level_;
    }
    // Whether a chunk turned out to be of another kind than the one before it, and to want another
    // level.
    bool wants_another(std::string_view plain, std::size_t packed) {
        const auto share = packed * 64 / plain.size();
        const auto before = std::exchange(share_, share);
        if (plain.size() < least_trial || (share <= before + 4 && before <= share + 4))
            return false;
        const auto used = level_;
        try_on(plain);
        return level_ != used;
    }

  private:
    void try_on(std::string_view plain) {
        const auto better = better_level(plain);
        serves_ = better == level_ ? std::min(2 * serves_, trial_serves_at_most) : trial_serves;
        level_ = better;
        left_ = serves_;
    }

    int level_ = thorough;
    std::size_t left_ = 0, serves_ = trial_serves; // bytes
    std::size_t share_ = 0;                        // what the last one shrank to, in 64ths
};

} // namespace

std::optional<std::string> compress(std::string_view plain) {
    thread_local bool dense_before = true; // behind what shrank, a look costs more than it saves
    if (dense_before && looks_dense(plain))
        return {};
    thread_local std::string out;
    thread_local Level level;
    auto size = packed_size(out, plain, level.of(plain));
    if (level.wants_another(plain, size))
        size = packed_size(out, plain, level.of(plain));
    dense_before = size >= plain.size() - plain.size() / 32;
    return dense_before ? std::nullopt : std::optional(out.substr(0, size));
}

Result<std::string> decompress(std::string_view packed, std::size_t size) {
    thread_local const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
    std::string plain(size, '\0');
    const auto got =
        ZSTD_decompressDCtx(context.get(), plain.data(), plain.size(), packed.data(), packed.size());
    if (ZSTD_isError(got) || got != size)
        return damaged("compressed bytes do not unpack to their length");
    return plain;
}

} // namespace respawn::vault
