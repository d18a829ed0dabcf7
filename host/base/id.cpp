#include "base/id.h"

#include <array>
#include <cstdint>
#include <mutex>
#include <sys/random.h>

namespace respawn {

namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

struct Last {
    std::mutex mutex;
    std::uint64_t milliseconds = 0;
    std::uint16_t high = 0; // the random part's upper 16 and lower 64 bits
    std::uint64_t low = 0;
};

void draw_random(Last& last) {
    // getrandom of up to 256 bytes neither fails nor stops half-way once the system has started.
    std::array<unsigned char, 10> bytes{};
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
        std::abort();
    last.high = static_cast<std::uint16_t>(bytes[0] << 8 | bytes[1]);
    last.low = 0;
    for (std::size_t i = 2; i < bytes.size(); ++i)
        last.low = last.low << 8 | bytes[i];
}

std::string text_of(const Last& id) {
    auto bits = static_cast<unsigned __int128>(id.milliseconds) << 80 |
                static_cast<unsigned __int128>(id.high) << 64 | id.low;
    std::string text(26, '0');
    for (std::size_t i = text.size(); i-- > 0; bits >>= 5)
        text[i] = alphabet[static_cast<std::size_t>(bits & 31)];
    return text;
}

} // namespace

std::string make_ulid(Moment moment) {
    static Last last;
    const std::scoped_lock lock(last.mutex);
    const auto milliseconds = static_cast<std::uint64_t>(moment.microseconds / 1000);
    if (milliseconds > last.milliseconds) {
        last.milliseconds = milliseconds;
        draw_random(last);
    } else if (++last.low == 0) {
        ++last.high;
    }
    return text_of(last);
}

std::string make_past_ulid(Moment moment) {
    Last drawn;
    drawn.milliseconds = static_cast<std::uint64_t>(moment.microseconds / 1000);
    draw_random(drawn);
    return text_of(drawn);
}

bool is_ulid(std::string_view text) {
    return text.size() == 26 && text[0] <= '7' &&
           text.find_first_not_of(alphabet) == std::string_view::npos;
}

} // namespace respawn
