#include "base/bytes.h"
#include "base/frame.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <unistd.h>

using namespace respawn;

namespace {

struct Pair {
    int ends[2];
    Pair() { REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0); }
    ~Pair() {
        ::close(ends[0]);
        if (ends[1] >= 0)
            ::close(ends[1]);
    }
    void put(std::string_view bytes) const {
        REQUIRE(::write(ends[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    }
    void hang_up() {
        ::close(ends[1]);
        ends[1] = -1;
    }
};

// A frame whose length need not be true.
std::string length(std::uint32_t size, std::string_view body = {}) {
    return ByteWriter().u32(size).raw(body).take();
}

Patience hasty() { return { std::chrono::steady_clock::now() + std::chrono::milliseconds(20) }; }

} // namespace

TEST_CASE("messages come one by one as they were sent") {
    Pair pair;
    for (const Value& message : { Value(7), Value("two"), Value(Value::List{ 1, 2 }) })
        REQUIRE(send_frame(pair.ends[1], message).ok());
    REQUIRE(receive_frame(pair.ends[0]).value() == Value(7));
    REQUIRE(receive_frame(pair.ends[0], hasty()).value() == Value("two"));
    REQUIRE(receive_frame(pair.ends[0]).value().list()->size() == 2);
}

TEST_CASE("an end between messages is missing, an end inside one is corrupt") {
    for (const auto& [bytes, kind] :
         std::vector<std::pair<std::string, Kind>>{ { "", Kind::missing },
                                                    { length(9).substr(0, 2), Kind::corrupt },
                                                    { length(9), Kind::corrupt },
                                                    { length(9, "\x03"), Kind::corrupt } }) {
        Pair pair;
        pair.put(bytes);
        pair.hang_up();
        REQUIRE(receive_frame(pair.ends[0]).error().kind == kind);
    }
}

TEST_CASE("a length that is too long, or none, is refused before anything is read") {
    for (const std::uint32_t claimed : { 0U, 101U, 0xffffffffU }) {
        Pair pair;
        pair.put(length(claimed, std::string(20, 0)));
        REQUIRE(receive_frame(pair.ends[0], 100).error().kind == Kind::corrupt);
    }
    Pair pair;
    REQUIRE(send_frame(pair.ends[1], std::string(200, 'x'), 100).error().kind == Kind::usage);
    REQUIRE(receive_frame(pair.ends[0], hasty()).error().kind == Kind::timeout); // nothing was sent
}

TEST_CASE("a message of too many small values is refused") {
    const std::uint32_t count = max_frame_values + 1;
    const auto body = ByteWriter().u8(8).u32(count).raw(std::string(count, '\0')).take();
    REQUIRE(decode(body, max_frame_values).error().kind == Kind::corrupt);
    REQUIRE(decode(body).ok());
}

TEST_CASE("patience ends at the deadline, also when the other side stops in the middle") {
    Pair pair;
    pair.put(length(9, "ab"));
    REQUIRE(receive_frame(pair.ends[0], hasty()).error().kind == Kind::timeout);
    const Value large = std::string(4 << 20, 'x'); // nobody reads it
    REQUIRE(send_frame(pair.ends[0], large, hasty()).error().kind == Kind::timeout);
}

TEST_CASE("sending to one who has gone is an error, not a signal") {
    Pair pair;
    pair.hang_up();
    REQUIRE(send_frame(pair.ends[0], 1, hasty()).error().kind == Kind::missing);
}

TEST_CASE("a request to cancel ends the wait") {
    Pair pair;
    Cancellation cancel;
    cancel.request();
    const Patience patience{ std::chrono::steady_clock::now() + std::chrono::hours(1), &cancel };
    REQUIRE(receive_frame(pair.ends[0], patience).error().kind == Kind::cancelled);
}
