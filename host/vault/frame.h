// What packs alone need of frames.
#pragma once

#include "vault/pack.h"

namespace respawn::vault {

struct Frame {
    std::uint8_t kind = 0;
    std::uint8_t coding = 0; // 0 as it is, 1 zstd
    std::uint32_t ordinal = 0;
    std::uint32_t plain_size = 0, sealed_size = 0;
    ChunkId id;
};

// The nonces of one pack's key: blobs count in one domain, the directory has the other.
inline constexpr std::uint32_t blob_domain = 0, directory_domain = 1;
std::string counter_nonce(std::uint32_t domain, std::uint64_t ordinal);

// Seals the coded bytes of a blob whose frame says all but their sealed length.
void append_frame(const PackOpener& opener, Frame frame, std::string_view coded, std::string& to);

} // namespace respawn::vault
