#include "base/frame.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace respawn {

namespace {

constexpr std::size_t header_size = 4;
// A length is a claim: memory is taken as the bytes arrive.
constexpr std::size_t piece = 256 * 1024;

Error channel_error(int number) {
    if (number == EPIPE || number == ECONNRESET)
        return { .kind = Kind::missing, .why = "the other process has gone" };
    return { .kind = Kind::io,
             .why = fmt::format("a message could not be passed: {}", std::strerror(number)) };
}

Result<std::string> framed(const Value& message, std::size_t limit) {
    const auto body = encode(message);
    if (body.size() > limit)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("a message of {} is too long, at most {} fit",
                                         human_size(body.size()), human_size(limit)) };
    ByteWriter frame;
    frame.text(body);
    return frame.take();
}

// Both ways of waiting, blocking and patient, are a function that moves some bytes and says how many;
// 0 from a reader means the end.
template <class Write> Result<void> send_all(std::string_view bytes, Write&& write_some) {
    while (!bytes.empty())
        bytes.remove_prefix(TRY(write_some(bytes)));
    return {};
}

template <class Read> Result<std::string> receive_all(std::size_t size, Read&& read_some) {
    std::string bytes;
    while (bytes.size() < size) {
        const auto filled = bytes.size();
        bytes.resize(std::min(size, filled + piece));
        const std::size_t taken = TRY(read_some(bytes.data() + filled, bytes.size() - filled));
        bytes.resize(filled + taken);
        if (taken == 0)
            return Error{ .kind = filled == 0 ? Kind::missing : Kind::corrupt,
                          .why = filled == 0 ? "the other process has closed its end"
                                             : "the other process closed in the middle of a message" };
    }
    return bytes;
}

template <class Read> Result<Value> receive_with(std::size_t limit, Read&& read_some) {
    const auto header = TRY(receive_all(header_size, read_some));
    const auto length = TRY(ByteReader(header).u32());
    if (length > limit || length == 0)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("a message claims {} bytes, between 1 and {} are allowed",
                                         length, limit) };
    auto body = receive_all(length, read_some);
    if (!body.ok() && body.error().kind == Kind::missing)
        body.error().kind = Kind::corrupt;
    return decode(TRY(std::move(body)), max_frame_values);
}

Result<std::size_t> moved(ssize_t count) {
    if (count >= 0)
        return static_cast<std::size_t>(count);
    return channel_error(errno);
}

Result<std::size_t> read_blocking(int descriptor, char* buffer, std::size_t size) {
    for (;;) {
        const auto taken = ::read(descriptor, buffer, size);
        if (taken >= 0 || errno != EINTR)
            return moved(taken);
    }
}

Result<std::size_t> write_blocking(int descriptor, std::string_view bytes) {
    for (;;) {
        const auto written = ::write(descriptor, bytes.data(), bytes.size());
        if (written >= 0 || errno != EINTR)
            return moved(written);
    }
}

// Waits until the socket can be read or written, or patience is at its end. A request to cancel is
// seen within a tenth of a second even when it comes without a signal.
Result<void> wait_for(int socket, short events, const Patience& patience) {
    for (;;) {
        if (patience.cancel)
            TRY(patience.cancel->check());
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            patience.until - std::chrono::steady_clock::now());
        if (left.count() <= 0)
            return Error{ .kind = Kind::timeout, .why = "the deadline has passed" };
        pollfd one{ .fd = socket, .events = events, .revents = 0 };
        const int ready = ::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 100)));
        if (ready > 0)
            return {};
        if (ready < 0 && errno != EINTR)
            return channel_error(errno);
    }
}

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

Result<std::size_t> read_patiently(int socket, char* buffer, std::size_t size,
                                   const Patience& patience) {
    for (;;) {
        TRY(wait_for(socket, POLLIN, patience));
        const auto taken = ::recv(socket, buffer, size, MSG_DONTWAIT);
        if (taken >= 0 || !would_wait())
            return moved(taken);
    }
}

Result<std::size_t> write_patiently(int socket, std::string_view bytes, const Patience& patience) {
    for (;;) {
        TRY(wait_for(socket, POLLOUT, patience));
        const auto written = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written >= 0 || !would_wait())
            return moved(written);
    }
}

} // namespace

Result<void> send_frame(int descriptor, const Value& message, std::size_t limit) {
    const auto frame = TRY(framed(message, limit));
    return send_all(frame, [&](std::string_view bytes) { return write_blocking(descriptor, bytes); });
}

Result<Value> receive_frame(int descriptor, std::size_t limit) {
    return receive_with(
        limit, [&](char* buffer, std::size_t size) { return read_blocking(descriptor, buffer, size); });
}

Result<void> send_frame(int socket, const Value& message, const Patience& patience, std::size_t limit) {
    const auto frame = TRY(framed(message, limit));
    return send_all(frame,
                    [&](std::string_view bytes) { return write_patiently(socket, bytes, patience); });
}

Result<Value> receive_frame(int socket, const Patience& patience, std::size_t limit) {
    return receive_with(limit, [&](char* buffer, std::size_t size) {
        return read_patiently(socket, buffer, size, patience);
    });
}

} // namespace respawn
