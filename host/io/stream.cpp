#include "io/stream.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace respawn::io {

Result<std::size_t> TextSource::read(char* buffer, std::size_t size) {
    const auto taken = std::min(size, rest_.size());
    std::memcpy(buffer, rest_.data(), taken);
    rest_.remove_prefix(taken);
    return taken;
}

Result<void> TextSink::write(std::string_view bytes) {
    if (bytes.size() > limit_ - text_.size())
        return Error{ .kind = Kind::corrupt, .why = "there are more bytes than there may be" };
    text_.append(bytes);
    return {};
}

Result<std::size_t> read_fully(Source& source, char* buffer, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size) {
        const auto taken = TRY(source.read(buffer + filled, size - filled));
        if (taken == 0)
            break;
        filled += taken;
    }
    return filled;
}

Result<std::string> read_all(Source& source, std::size_t limit) {
    TextSink sink(limit);
    TRY(copy(source, sink));
    return sink.take();
}

Result<std::uint64_t> copy(Source& from, Sink& to) {
    std::string buffer(256 * 1024, '\0');
    std::uint64_t copied = 0;
    for (;;) {
        const auto taken = TRY(from.read(buffer.data(), buffer.size()));
        if (taken == 0)
            return copied;
        TRY(to.write(std::string_view(buffer).substr(0, taken)));
        copied += taken;
    }
}

} // namespace respawn::io
