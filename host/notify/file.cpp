#include "notify/kinds.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "base/time.h"
#include "base/value.h"
#include "io/file.h"

namespace respawn::notify {

namespace {

constexpr std::uint64_t looked_at = 256 * 1024;

class FileNotifier final : public Notifier {
  public:
    explicit FileNotifier(io::Path path) : path_(std::move(path)) {}
    Result<void> send(const Message& message) override;

  private:
    // What the file holds, as far as it matters for the next line.
    struct Found {
        bool is_new = false;
        bool has_id = false;
        bool ends_in_half_a_line = false; // of a writer that was killed
    };
    Result<io::Descriptor> open_locked() const;
    Result<Found> look_for(const std::string& id, int file) const;
    io::Path path_;
};

// Two processes never write into each other's lines; the system lets go of the lock with the
// descriptor.
Result<io::Descriptor> FileNotifier::open_locked() const {
    TRY(io::make_folder(path_.parent_path()));
    io::Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!file.open())
        return io::system_error("open", path_, errno);
    while (::flock(file.number(), LOCK_EX) != 0)
        if (errno != EINTR)
            return io::system_error("lock", path_, errno);
    return file;
}

// A message is sent again right after its sender was killed, if at all: only the end of the file is
// looked at, so that sending takes as long in a large one.
Result<FileNotifier::Found> FileNotifier::look_for(const std::string& id, int file) const {
    const auto end = ::lseek(file, 0, SEEK_END);
    if (end < 0)
        return io::system_error("read", path_, errno);
    const auto size = static_cast<std::uint64_t>(end);
    const auto bytes = TRY(io::read_at(file, size - std::min(size, looked_at), looked_at, path_));
    Found found{ .is_new = size == 0,
                 .has_id = false,
                 .ends_in_half_a_line = !bytes.empty() && bytes.back() != '\n' };
    if (bytes.find(id) == std::string::npos)
        return found;
    for (const auto line : split(bytes, '\n'))
        if (const auto value = from_json(line); value.ok() && value.value().text_at("id") == id)
            found.has_id = true;
    return found;
}

Result<void> FileNotifier::send(const Message& message) {
    const auto file = TRY(open_locked());
    const auto found = TRY(look_for(message.id, file.number()));
    if (found.has_id && !message.id.empty())
        return io::sync_file(file.number(),
                             path_); // its writer may have been killed before it was durable
    const Value line(Value::Map{ { "time", to_rfc3339(now()) },
                                 { "severity", message.severity },
                                 { "title", message.title },
                                 { "text", message.text },
                                 { "id", message.id } });
    const std::string_view fresh_line = found.ends_in_half_a_line ? "\n" : "";
    TRY(io::write_fully(file.number(), fmt::format("{}{}\n", fresh_line, to_json(line)), path_));
    TRY(io::sync_file(file.number(), path_));
    return found.is_new ? io::sync_folder(path_.parent_path()) : Result<void>();
}

} // namespace

std::unique_ptr<Notifier> open_file(const config::AlertSettings& settings) {
    return std::make_unique<FileNotifier>(settings.path);
}

} // namespace respawn::notify
