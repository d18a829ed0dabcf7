#include "location/kinds.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "io/create_same.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <set>
#include <sys/stat.h>

namespace respawn::location {

namespace {

constexpr int deepest = 8; // a vault's names have three parts; a loop of links ends here

// ".NAME.<16 hex>.new", as io::create_durably names what it has not finished.
bool is_leftover(std::string_view name) {
    constexpr std::string_view suffix = ".new";
    if (!name.starts_with('.') || !name.ends_with(suffix) || name.size() < 23)
        return false;
    const auto hex = name.substr(name.size() - suffix.size() - 16, 16);
    return hex.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
           name[name.size() - suffix.size() - 17] == '.';
}

Result<struct stat> look_at(const io::Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        return io::system_error("look at", path, errno);
    return status;
}

class LocalLocation final : public Location {
  public:
    explicit LocalLocation(io::Path root) : root_(std::move(root)) {}

    Result<void> create(std::string_view name, io::Source& bytes) override {
        TRY(must_be_name(name));
        const auto path = root_ / name;
        if (io::is_there(path))
            return TRY(io::holds(path, bytes)) ? Result<void>() : taken(name, url());
        TRY(io::make_folder(path.parent_path()));
        auto written = io::create_same_durably(path, bytes);
        if (!written.ok() && written.error().kind == Kind::conflict) // somebody was faster
            return taken(name, url());
        if (written.ok())
            sweep_beside(path);
        return written;
    }

    Result<std::string> read(std::string_view name, Range range) override {
        TRY(must_be_name(name));
        const auto path = root_ / name;
        const auto file = TRY(open_known(name));
        struct stat status {};
        if (::fstat(file.number(), &status) != 0)
            return io::system_error("look at", path, errno);
        const auto size = static_cast<std::uint64_t>(status.st_size);
        if (range.offset >= size)
            return std::string();
        return io::read_at(file.number(), range.offset, std::min(range.length, size - range.offset),
                           path);
    }

    Result<std::vector<Entry>> list(std::string_view prefix) override {
        std::vector<Entry> entries;
        const auto slash = prefix.rfind('/');
        const auto folder = slash == std::string_view::npos ? "" : prefix.substr(0, slash);
        if (!folder.empty())
            TRY(must_be_name(folder));
        if (!io::is_there(root_ / folder))
            return entries;
        TRY(list_folder(std::string(folder), prefix, deepest, entries));
        std::sort(entries.begin(), entries.end(),
                  [](const Entry& a, const Entry& b) { return a.name < b.name; });
        return entries;
    }

    Result<void> remove(std::string_view name) override {
        TRY(must_be_name(name));
        return io::remove_durably(root_ / name);
    }

    // The time of a file just made: the file server's, where the folder is mounted from one.
    Result<Moment> now() override {
        TRY(io::make_folder(root_));
        auto file = io::Descriptor(::open(root_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (!file.open())
            file = TRY(named_scratch());
        struct stat status {};
        if (::fstat(file.number(), &status) != 0)
            return io::system_error("look at", root_, errno);
        return Moment{ status.st_mtim.tv_sec * 1'000'000 + status.st_mtim.tv_nsec / 1000 };
    }

    std::string url() const override { return "file://" + root_.string(); }

  private:
    // For file systems that have no files without a name. Named like a leftover, so that it goes as one
    // when this is killed.
    Result<io::Descriptor> named_scratch() {
        const auto path =
            root_ / fmt::format(".clock.{}.new", respawn::to_hex(crypto::random_bytes(8)));
        auto file = TRY(io::open_new(path));
        TRY(io::sync_file(file.number(), path));
        std::error_code ignored;
        std::filesystem::remove(path, ignored);
        return file;
    }

    Result<io::Descriptor> open_known(std::string_view name) {
        auto file = io::open_to_read(root_ / name);
        if (!file.ok() && file.error().kind == Kind::missing)
            return not_there(name, url());
        return file;
    }

    // Files of any name, so that a folder with something else in it is not taken for an empty one; only
    // folders that a vault's names can lead into (lost+found is none).
    Result<void> list_folder(const std::string& folder, std::string_view prefix, int depth,
                             std::vector<Entry>& entries) {
        std::error_code failed;
        const auto path = root_ / folder;
        std::filesystem::directory_iterator at(path, failed);
        if (failed)
            return io::system_error("list", path, failed.value());
        for (; at != std::filesystem::directory_iterator(); at.increment(failed)) {
            if (failed)
                return io::system_error("list", path, failed.value());
            TRY(list_one(folder, at->path().filename().string(), prefix, depth, entries));
        }
        return {};
    }

    Result<void> list_one(const std::string& folder, const std::string& file, std::string_view prefix,
                          int depth, std::vector<Entry>& entries) {
        const auto name = folder.empty() ? file : folder + "/" + file;
        const bool wanted = name.starts_with(prefix) || prefix.starts_with(name + "/");
        if (file.starts_with('.') || !wanted)
            return {};
        const auto status = look_at(root_ / name);
        if (!status.ok()) // removed since it was listed, or a link to nowhere
            return status.error().kind == Kind::missing ? Result<void>() : status.error();
        if (S_ISREG(status.value().st_mode))
            entries.push_back({ name, static_cast<std::uint64_t>(status.value().st_size) });
        else if (S_ISDIR(status.value().st_mode) && depth > 0 && must_be_name(name).ok())
            return list_folder(name, prefix, depth - 1, entries);
        return {};
    }

    // A leftover's age is told by the file just written, so both times come from one clock. Writing one
    // file takes no day. What cannot be removed stays: it harms nobody.
    void sweep_beside(const io::Path& fresh) {
        const auto folder = fresh.parent_path();
        {
            const std::scoped_lock lock(mutex_);
            if (!swept_.insert(folder).second)
                return;
        }
        const auto present = look_at(fresh);
        std::error_code failed;
        if (!present.ok())
            return;
        for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
             at.increment(failed)) {
            const auto status = look_at(at->path());
            if (is_leftover(at->path().filename().string()) && status.ok() &&
                S_ISREG(status.value().st_mode) &&
                status.value().st_mtime < present.value().st_mtime - 24 * 3600)
                std::filesystem::remove(at->path(), failed);
        }
    }

    io::Path root_;
    std::mutex mutex_;
    std::set<io::Path> swept_;
};

} // namespace

std::shared_ptr<Location> local_location(io::Path folder) {
    return std::make_shared<LocalLocation>(std::move(folder));
}

} // namespace respawn::location
