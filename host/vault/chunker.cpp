#include "vault/chunker.h"

#include "base/bytes.h"

#include <algorithm>
#include <cstring>

namespace respawn::vault {

namespace {

constexpr std::size_t buffered = 4 * Chunker::largest;
// The hash's upper bits depend on the last 64 bytes. Two bits more than the usual size asks for before
// it, two fewer behind it: sizes stay near the usual one.
constexpr std::uint64_t rare = ~std::uint64_t{ 0 } << (64 - 20);
constexpr std::uint64_t frequent = ~std::uint64_t{ 0 } << (64 - 16);

} // namespace

Chunker::Chunker(const crypto::Key& key) {
    for (std::size_t byte = 0; byte < gear_.size(); ++byte) {
        const auto mac = crypto::hmac_sha256(key, std::string(1, static_cast<char>(byte)));
        ByteReader reader(mac);
        gear_[byte] = reader.u64().value();
    }
}

std::size_t Chunker::cut(std::string_view bytes) const {
    const auto size = std::min(bytes.size(), largest);
    const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
    std::uint64_t hash = 0;
    std::size_t i = smallest;
    for (const auto end = std::min(size, usual); i < end; ++i)
        if (((hash = (hash << 1) + gear_[at[i]]) & rare) == 0)
            return i + 1;
    for (; i < size; ++i)
        if (((hash = (hash << 1) + gear_[at[i]]) & frequent) == 0)
            return i + 1;
    return size;
}

Result<void> Chunker::each(io::Source& source,
                           const std::function<Result<void>(std::string_view)>& take) {
    if (!buffer_) // once: to clear this much for each small file would take longer than all else
        buffer_ = std::make_unique_for_overwrite<char[]>(buffered);
    std::size_t held = 0;
    for (bool end = false; !end;) {
        const auto room = buffered - held;
        const auto added = TRY(io::read_fully(source, buffer_.get() + held, room));
        held += added;
        end = added < room;
        std::string_view rest(buffer_.get(), held);
        while (rest.size() >= largest || (end && !rest.empty())) {
            const auto size = cut(rest);
            TRY(take(rest.substr(0, size)));
            rest.remove_prefix(size);
        }
        std::memmove(buffer_.get(), rest.data(), rest.size());
        held = rest.size();
    }
    return {};
}

} // namespace respawn::vault
