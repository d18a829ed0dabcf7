#include "notify/kinds.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/time.h"
#include "base/value.h"
#include "io/file.h"

namespace respawn::notify {

namespace {

constexpr std::size_t piece = 256 * 1024;

class FileNotifier final : public Notifier {
  public:
    explicit FileNotifier(io::Path path) : path_(std::move(path)) {}
    Result<void> send(const Message& message) override;

  private:
    // What the file holds, as far as it matters for the next line.
    struct Found {
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

// Lines longer than any of ours are passed over piece by piece: memory stays flat, whatever is in the
// file.
Result<FileNotifier::Found> FileNotifier::look_for(const std::string& id, int file) const {
    Found found;
    std::string line;
    for (std::uint64_t offset = 0;;) {
        const auto bytes = TRY(io::read_at(file, offset, piece, path_));
        offset += bytes.size();
        for (const char c : bytes) {
            if (c != '\n') {
                if (line.size() < piece)
                    line.push_back(c);
                continue;
            }
            if (const auto value = from_json(line); value.ok() && value.value().text_at("id") == id)
                found.has_id = true;
            line.clear();
        }
        if (bytes.size() < piece)
            break;
    }
    found.ends_in_half_a_line = !line.empty();
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
    return io::sync_folder(path_.parent_path());
}

} // namespace

std::unique_ptr<Notifier> open_file(const config::AlertSettings& settings) {
    return std::make_unique<FileNotifier>(settings.path);
}

} // namespace respawn::notify
