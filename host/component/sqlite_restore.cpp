#include "component/sqlite_restore.h"

#include "base/text.h"
#include "component/in_use.h"
#include "component/restore_record.h"
#include "component/sqlite_image.h"
#include "component/sqlite_survey.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::component {

namespace {

// Writes to a descriptor, asking for cancellation and telling the progress.
class RestoreSink final : public io::Sink {
  public:
    RestoreSink(int descriptor, const io::Path& path, std::uint64_t total, const Work& work)
        : descriptor_(descriptor), path_(path), total_(total), work_(work) {}
    Result<void> write(std::string_view bytes) override {
        TRY(work_.cancel.check());
        TRY(io::write_fully(descriptor_, bytes, path_));
        written_ += bytes.size();
        if (work_.progress)
            work_.progress(written_, total_);
        return {};
    }
    std::uint64_t written() const { return written_; }

  private:
    int descriptor_;
    const io::Path& path_;
    std::uint64_t total_, written_ = 0;
    const Work& work_;
};

Result<void> write_image(vault::Vault& from, const vault::TreeEntry& entry, const io::Path& to,
                         const Work& work) {
    const auto file = TRY(io::open_new(to));
    RestoreSink sink(file.number(), to, entry.content.size, work);
    TRY(from.read(entry.content, sink));
    if (sink.written() != entry.size)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("{} bytes came back of {}", sink.written(), entry.size),
                      .fix = "check the vault: respawn check --read-data" };
    return io::sync_file(file.number(), to);
}

Result<void> must_fit(const io::Path& to, std::uint64_t size) {
    const auto free = TRY(io::free_space(to));
    const auto needed = size + (1 << 20);
    if (free >= needed)
        return {};
    return Error{ .kind = Kind::no_space,
                  .why = fmt::format("the restore takes {}, and {} has {} free", human_size(needed),
                                     printable(to.parent_path().string()), human_size(free)),
                  .fix = "free some space there, or restore to another place with --to" };
}

// Reads the file once: every byte is what was backed up, and it is a sound database.
Result<Value> verify(vault::Vault& from, const vault::ComponentRecord& record, const io::Path& path,
                     const Work& work) {
    const auto restored =
        TRY(SqliteHandle::open(path, SqliteHandle::Access::own, { .cancel = &work.cancel }));
    ImageView view(restored, TRY(PageSource::open(restored, {})));
    const auto stop = [&](std::string_view, std::string_view) { return work.cancel.check(); };
    auto found = TRY(survey(view, vault::PageHasher(from, view.page_size()), work.state, stop));
    if (!record.detail.at("tables").is_null())
        TRY(must_equal(found, record.detail, path));
    return found;
}

Result<void> finish_file(const vault::TreeEntry& entry, const io::Path& path, Notes& notes) {
    const auto folder = TRY(open_folder(path.parent_path()));
    const auto name = path.filename().string();
    Owners owners;
    TRY(put_back_metadata(folder.number(), name, entry, owners, notes, path));
    const io::Descriptor file(
        ::openat(folder.number(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.open())
        return io::system_error("open", path, errno);
    TRY(io::sync_file(file.number(), path));
    return io::sync_file(folder.number(), path);
}

} // namespace

Result<vault::TreeEntry> database_entry(vault::Vault& from, const vault::ComponentRecord& record) {
    TRY(must_have_data(record));
    auto tree = TRY(from.tree(record.tree));
    if (tree.size() != 1 || tree[0].type != vault::EntryType::file || !is_plain_name(tree[0].name) ||
        tree[0].content.size != tree[0].size)
        return Error{ .kind = Kind::corrupt,
                      .why = fmt::format("the backup of {} does not hold one database file",
                                         record.name) };
    return std::move(tree[0]);
}

Result<Value> write_verified(vault::Vault& from, const vault::ComponentRecord& record,
                             const io::Path& to, const Work& work, Notes& notes) {
    const auto entry = TRY(database_entry(from, record));
    TRY(must_fit(to, entry.size));
    auto done = [&]() -> Result<Value> {
        TRY(write_image(from, entry, to, work));
        auto found = TRY(verify(from, record, to, work));
        TRY(finish_file(entry, to, notes));
        return found;
    }();
    if (!done.ok() && done.error().kind != Kind::conflict)
        ::unlink(to.c_str());
    return done;
}

Value Switch::value(std::string_view step) const {
    return Value::Map{ { "kind", "sqlite" },
                       { "step", step },
                       { "live", live.string() },
                       { "incoming", incoming.string() },
                       { "aside", aside.string() } };
}

Result<Switch> Switch::from(const Value& record) {
    Switch found{ record.text_at("live"), record.text_at("incoming"), record.text_at("aside") };
    const auto folder = found.live.parent_path();
    if (found.live.is_absolute() && found.incoming.parent_path() == folder &&
        found.aside.parent_path() == folder && found.incoming != found.live)
        return found;
    return Error{ .kind = Kind::corrupt, .why = "the record of the restore under way makes no sense" };
}

namespace {

Error in_use_error(const io::Path& live, const std::string& who) {
    return { .kind = Kind::conflict,
             .why = fmt::format("{} is open in {}", printable(live.string()), who),
             .fix = "stop what uses it (or add --stop-services), then run the same command again" };
}

} // namespace

Result<std::optional<SqliteHandle>> must_be_unused(const io::Path& live) {
    const auto holders = holders_of(files_of(live));
    if (!holders.empty())
        return in_use_error(live,
                            counted(holders.size(), "process") + ": " + describe_holders(holders));
    if (!io::is_there(live))
        return std::optional<SqliteHandle>();
    auto lock = TRY(SqliteHandle::open(live, SqliteHandle::Access::read_write, {}));
    const bool locked = TRY(lock.lock_exclusive());
    // Once more: whoever came between the look and the lock has a descriptor by now.
    auto others = holders_of({ live });
    std::erase_if(others,
                  [](const Holder& one) { return one.process == ::getpid() && one.times == 1; });
    if (!locked || !others.empty())
        return in_use_error(live, others.empty() ? "a process that /proc does not show to this user"
                                                 : describe_holders(others));
    return std::optional<SqliteHandle>(std::move(lock));
}

namespace {

bool is_same_file(const io::Path& one, const io::Path& other) {
    struct stat a {
    }, b{};
    return ::lstat(one.c_str(), &a) == 0 && ::lstat(other.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

// Afterwards the file also stands (where links are not possible: only stands) in `aside`, under its own
// name or, when a file that a killed restore kept has that, under the next free one.
Result<void> keep_aside(const io::Path& file, const io::Path& aside) {
    if (!io::is_there(file))
        return {};
    TRY(io::make_folder(aside));
    auto kept = aside / file.filename();
    for (int i = 2; io::is_there(kept) && !is_same_file(file, kept); ++i)
        kept = aside / fmt::format("{}.{}", file.filename().string(), i);
    if (::link(file.c_str(), kept.c_str()) == 0 || errno == EEXIST)
        return {};
    if (errno != EPERM && errno != EOPNOTSUPP && errno != EMLINK)
        return io::system_error("keep aside", file, errno);
    return io::rename_durably(file, kept);
}

Result<void> remove_if_there(const io::Path& file) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
        return io::system_error("remove", file, errno);
    return {};
}

// The old files go back to their names, after something took the new one away.
Result<std::string> roll_back(const Switch& plan) {
    for (const auto& file : files_of(plan.live)) {
        const auto kept = plan.aside / file.filename();
        if (io::is_there(kept) && !io::is_there(file))
            TRY(io::rename_durably(kept, file));
    }
    return fmt::format("the new file of an interrupted restore is gone, so {} is again as it was",
                       printable(plan.live.string()));
}

} // namespace

Result<void> switch_in(const Switch& plan) {
    const auto old_files = files_of(plan.live);
    for (const auto& file : old_files)
        TRY(keep_aside(file, plan.aside));
    if (io::is_there(plan.aside))
        TRY(io::sync_folder(plan.aside));
    // The database before its WAL and journal: a game that starts now must not read it without them.
    for (const auto& file : old_files)
        TRY(remove_if_there(file));
    TRY(io::sync_folder(plan.live.parent_path()));
    return io::rename_durably(plan.incoming, plan.live);
}

Result<std::string> finish_switch(const Value& record) {
    const auto plan = TRY(Switch::from(record));
    const auto live = printable(plan.live.string());
    if (record.text_at("step") == "copying") {
        for (const auto& file : files_of(plan.incoming))
            TRY(io::remove_durably(file));
        return fmt::format(
            "an interrupted restore of {} had changed nothing yet; what it had copied was "
            "removed",
            live);
    }
    if (io::is_there(plan.incoming)) {
        const auto lock = TRY(must_be_unused(plan.live));
        TRY(switch_in(plan));
    } else if (!io::is_there(plan.live)) {
        return roll_back(plan);
    }
    return fmt::format("an interrupted restore of {} was completed{}", live,
                       io::is_there(plan.aside)
                           ? fmt::format("; what was there is in {}", printable(plan.aside.string()))
                           : "");
}

} // namespace respawn::component
