#include "vault/frames.h"

#include <algorithm>

namespace respawn::vault {

namespace {

constexpr std::size_t read_at_once = 8 << 20, gap_read_over = 65536;

} // namespace

Result<void>
read_frames(Vault::State& vault, const PackRow& pack, std::span<const IndexRow> rows,
            const std::function<Result<void>(const IndexRow& row, std::string_view frame)>& take) {
    for (std::size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
        const auto from = rows[begin].offset;
        std::uint64_t to = from;
        for (end = begin; end < rows.size() && rows[end].offset <= to + gap_read_over &&
                          (end == begin || rows[end].offset + rows[end].length - from <= read_at_once);
             ++end)
            to = std::max<std::uint64_t>(to, rows[end].offset + rows[end].length);
        const auto bytes = TRY(vault.read_pack_range(pack.id, from, to - from));
        for (const auto& row : rows.subspan(begin, end - begin))
            TRY(take(row, std::string_view(bytes).substr(row.offset - from, row.length)));
    }
    return {};
}

} // namespace respawn::vault
