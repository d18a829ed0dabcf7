#include "component/file_bytes.h"
#include "component/file_cache.h"
#include "component/files_plan.h"
#include "component/files_tree.h"
#include "component/metadata.h"
#include "component/paths.h"
#include "component/restore_record.h"
#include "kill_points.h"
#include "rig.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace rig;
using vault::EntryType;
using vault::TreeEntry;

namespace {

std::unique_ptr<Component> memory(const Place& place, std::vector<std::string> exclude = {},
                                  std::vector<io::Path> paths = {}) {
    if (paths.empty())
        paths = { place.path("game") };
    return must(component::open_component(
        { .name = "memory", .kind = "files", .path = {}, .paths = paths, .exclude = exclude }));
}

// One line for each name: type, mode, owner, time, links, target, attribute and bytes.
std::map<std::string, std::string> listing(const io::Path& root) {
    std::map<std::string, std::string> lines;
    for (auto at = fs::recursive_directory_iterator(root); at != fs::recursive_directory_iterator();
         ++at) {
        struct stat status {};
        REQUIRE(::lstat(at->path().c_str(), &status) == 0);
        char attribute[100] = {};
        ::lgetxattr(at->path().c_str(), "user.note", attribute, sizeof attribute - 1);
        auto line = std::to_string(status.st_mode) + " " + std::to_string(status.st_uid) + " " +
                    std::to_string(component::nanoseconds(status.st_mtim)) + " " + attribute + " ";
        if (S_ISLNK(status.st_mode))
            line += fs::read_symlink(at->path()).string();
        if (S_ISREG(status.st_mode))
            line += std::to_string(status.st_nlink) + " " + read(at->path());
        lines[at->path().lexically_relative(root).string()] = line;
    }
    return lines;
}

void set_time(const io::Path& path, std::int64_t seconds, long nanoseconds = 123456789) {
    const timespec times[2] = { { seconds, nanoseconds }, { seconds, nanoseconds } };
    REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
}

io::Path below(const io::Path& place, const io::Path& path) { return place / path.relative_path(); }

void make_everything(const io::Path& root) {
    write(root / "notes/ada.txt", "ada likes tea");
    write(root / "notes/empty", "");
    write(root / "caf\xe9", "a name that is not UTF-8");
    write(root / "two\nlines", "a name of two lines");
    write(root / "deep/er/est/file", std::string(300000, 'z'));
    fs::create_directories(root / "empty folder");
    fs::create_symlink("notes/ada.txt", root / "link");
    fs::create_symlink("/nowhere/at/all", root / "dangling");
    fs::create_hard_link(root / "notes/ada.txt", root / "other name");
    REQUIRE(::mkfifo((root / "pipe").c_str(), 0640) == 0);
    REQUIRE(::mknod((root / "socket").c_str(), S_IFSOCK | 0600, 0) == 0);
    if (::geteuid() == 0) {
        REQUIRE(::mknod((root / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)) == 0);
        REQUIRE(::chown((root / "notes/empty").c_str(), 12345, 54321) == 0);
        REQUIRE(::lchown((root / "dangling").c_str(), 12345, 54321) == 0);
    }
    ::setxattr((root / "notes/ada.txt").c_str(), "user.note", "kept", 4, 0);
    REQUIRE(::chmod((root / "notes/empty").c_str(), 04755) == 0);
    REQUIRE(::chmod((root / "empty folder").c_str(), 01777) == 0);
    set_time(root / "dangling", 1000000000);
    set_time(root / "notes/ada.txt", -5);
    set_time(root / "notes", 1234567890, 987654321);
}

} // namespace

TEST_CASE("a folder comes back with everything that a file system says of it") {
    Place place;
    const auto root = place.path("game");
    make_everything(root);
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    REQUIRE(record.success);
    REQUIRE(record.error == "");
    const auto back = place.path("back");
    const auto report = must(component->restore_to(*place.vault, record, back, place.work));
    REQUIRE(report.notes.empty());
    REQUIRE(listing(below(back, root)) == listing(root));
    REQUIRE(fs::hard_link_count(below(back, root) / "other name") == 2);
    REQUIRE(component->restore_to(*place.vault, record, back, place.work).error().kind ==
            Kind::conflict);
    REQUIRE(must(must(component::open_recorded(record))->find_faults(place.work)).empty());
}

TEST_CASE("holes of a sparse file are kept and take no room") {
    Place place;
    const auto path = place.path("game/world");
    write(path, "start");
    REQUIRE(::truncate(path.c_str(), 64 << 20) == 0);
    {
        const int file = ::open(path.c_str(), O_WRONLY);
        REQUIRE(::pwrite(file, "middle", 6, 32 << 20) == 6);
        ::close(file);
    }
    write(place.path("game/nothing"), "");
    REQUIRE(::truncate(place.path("game/nothing").c_str(), 8 << 20) == 0);
    const auto component = memory(place);
    auto writer = must(place.vault->begin_backup());
    const auto record = must(component->back_up(writer, place.work));
    const auto read_bytes = writer.counters().read_bytes;
    must(writer.finish({ .started = now(), .components = { record } }));
    must(component->restore_to(*place.vault, record, place.path("back"), place.work));
    const auto back = below(place.path("back"), path);
    REQUIRE(read(back) == read(path));
    REQUIRE(fs::file_size(below(place.path("back"), place.path("game/nothing"))) == (8 << 20));
    struct stat status {};
    REQUIRE(::stat(back.c_str(), &status) == 0);
    struct stat source {};
    REQUIRE(::stat(path.c_str(), &source) == 0);
    if (source.st_blocks * 512 < (1 << 20)) { // the file system knows holes
        REQUIRE(read_bytes < (1 << 20));
        REQUIRE(status.st_blocks * 512 < (1 << 20));
    }
}

TEST_CASE("patterns leave out what they name and nothing else") {
    Place place;
    for (const char* name : { "a.pyc", "sub/b.pyc", "sub/keep.py", ".git/config", "logs/today",
                              "sub/logs", "sub/cache/x", "cache/x", "tmp" })
        write(place.path("game") / name, "x");
    const auto component = memory(place, { "*.pyc", ".git", "logs/", "sub/cache", "/tmp" });
    const auto record = place.back_up(*component);
    must(component->restore_to(*place.vault, record, place.path("back"), place.work));
    std::set<std::string> names;
    for (const auto& [name, line] : listing(below(place.path("back"), place.path("game"))))
        names.insert(name);

    REQUIRE(names == std::set<std::string>{ "cache", "cache/x", "sub", "sub/keep.py", "sub/logs" });
}

TEST_CASE("the vault and the state are kept out, and several roots stand under their paths") {
    Place place;
    write(place.path("one/a"), "1");
    write(place.path("two/b"), "2");
    write(place.path("single"), "3");
    fs::create_directory_symlink(place.path("two"), place.path("link"));
    const auto component = memory(
        place, {}, { place.path("one"), place.path("link"), place.path("single"), place.path("gone") });
    const auto record = place.back_up(*component);
    REQUIRE(record.success);
    REQUIRE(record.error.find("gone is missing") != std::string::npos);
    REQUIRE(record.files == 3);
    const auto back = place.path("back");
    must(component->restore_to(*place.vault, record, back, place.work));
    REQUIRE(read(below(back, place.path("one/a"))) == "1");
    REQUIRE(read(below(back, place.path("two/b"))) == "2");
    REQUIRE(read(below(back, place.path("single"))) == "3");
    REQUIRE(fs::read_symlink(below(back, place.path("link"))) == place.path("two"));

    place.work.keep_out = { place.path("vault"), place.path("back"), place.path("vault-cache") };
    const auto all = memory(place, {}, { place.folder.path() });
    REQUIRE(place.back_up(*all).files == 3);
}

TEST_CASE("sources that are missing, empty or not readable say so") {
    Place place;
    const auto component = memory(place);
    SECTION("missing") {
        const auto record = place.back_up(*component);
        REQUIRE_FALSE(record.success);
        REQUIRE(record.error.find("missing") != std::string::npos);
        REQUIRE(must(component->find_faults(place.work)).size() == 1);
    }
    SECTION("empty") {
        fs::create_directories(place.path("game"));
        REQUIRE(place.back_up(*component).error == "there are no files");
    }
    SECTION("not readable for another user") {
        write(place.path("game/open"), "x");
        write(place.path("game/shut"), "x");
        ::chmod(place.path("game/shut").c_str(), 0);
        fs::permissions(place.folder.path(), fs::perms::all);
        const pid_t child = ::fork();
        if (child == 0) {
            if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0))
                ::_exit(2);
            Place own;
            const auto record = own.back_up(*component);
            const auto faults = must(component->find_faults(own.work));
            ::_exit(record.success && record.files == 1 && faults.size() == 1 &&
                            record.error.find("shut") != std::string::npos
                        ? 0
                        : 1);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        REQUIRE(status == 0);
    }
}

TEST_CASE("an unchanged file is not read again, a changed one is, whatever the cache says") {
    Place place;
    for (const char* name : { "a", "a-b", "a.d/x", "z/y" })
        write(place.path("game") / name, std::string(100000, name[0]));
    const auto component = memory(place);
    const auto stored = [&] {
        auto writer = must(place.vault->begin_backup());
        const auto record = must(component->back_up(writer, place.work));
        REQUIRE(record.size_bytes == 400000);
        const auto bytes = writer.counters().read_bytes;
        must(writer.finish({ .started = now(), .components = { record } }));
        return bytes;
    };
    REQUIRE(stored() >= 400000);
    REQUIRE(stored() >= 400000); // changed a moment ago: they could change again under the same time
    // The cache as it will be once these files have rested: written by a backup that began later.
    const auto cache_later = [&] {
        auto cache =
            must(component::FileCache::open(place.work.state, now() + std::chrono::seconds(60)));
        for (const char* name : { "a", "a-b", "a.d/x", "z/y" }) {
            const auto path = fs::canonical(place.path("game") / name);
            struct stat status {};
            REQUIRE(::stat(path.c_str(), &status) == 0);
            auto writer = must(place.vault->begin_backup());
            auto bytes = must(io::FileSource::open(path));
            const auto content = must(writer.store(bytes));
            must(cache.add(path, status, { content, {} }));
        }
        must(cache.finish());
    };
    cache_later();
    REQUIRE(stored() < 50000);
    cache_later();
    write(place.path("game/a-b"), std::string(100000, 'q'));
    const auto one_file = stored();
    REQUIRE(one_file >= 100000);
    REQUIRE(one_file < 150000);
    cache_later();
    auto damaged = read(place.work.state / "files.cache");
    damaged[damaged.size() / 2] ^= 1;
    write(place.work.state / "files.cache", damaged);
    REQUIRE(stored() >= 100000); // what comes after the damage is read again
}

TEST_CASE("a live restore leaves right files alone, keeps what it replaces and names what it leaves") {
    Place place;
    const auto root = place.path("game");
    make_everything(root);
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    const auto before = listing(root);
    struct stat untouched {};
    REQUIRE(::stat((root / "deep/er/est/file").c_str(), &untouched) == 0);

    write(root / "notes/empty", "no longer");
    fs::remove(root / "caf\xe9");
    fs::remove(root / "link");
    fs::create_directories(root / "link/with things");
    write(root / "link/with things/x", "precious");
    fs::rename(root / "empty folder", place.path("elsewhere"));
    fs::create_directory_symlink(place.path("elsewhere"), root / "empty folder");
    write(root / "new", "not in the backup");

    const auto preview = must(component->preview_restore(*place.vault, record));
    REQUIRE(preview.lines.size() == 1);
    const auto report = must(component->restore_live(*place.vault, record, place.work));
    REQUIRE(report.kept_aside.size() == 1);
    const auto aside = report.kept_aside[0];
    REQUIRE(read(aside / "notes/empty") == "no longer");
    REQUIRE(read(aside / "link/with things/x") == "precious");
    REQUIRE(fs::is_symlink(aside / "empty folder"));
    REQUIRE(read(root / "new") == "not in the backup");
    REQUIRE(report.notes.size() == 1);
    REQUIRE(report.notes[0].find("new") != std::string::npos);
    fs::remove(root / "new");
    REQUIRE(listing(root) == before);
    struct stat still {};
    REQUIRE(::stat((root / "deep/er/est/file").c_str(), &still) == 0);
    REQUIRE(still.st_ino == untouched.st_ino);
    REQUIRE(must(component->matches(*place.vault, record, place.work)));
    const auto again = must(component->restore_live(*place.vault, record, place.work));
    REQUIRE(again.kept_aside.empty());
    REQUIRE(again.checked.integer_at("replaced") == 0);
}

TEST_CASE("a file with the right size and time but other bytes is replaced") {
    Place place;
    write(place.path("game/save"), "right bytes");
    set_time(place.path("game/save"), 1600000000);
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    write(place.path("game/save"), "wrong bytes");
    set_time(place.path("game/save"), 1600000000);
    must(component->restore_live(*place.vault, record, place.work));
    REQUIRE(read(place.path("game/save")) == "right bytes");
}

TEST_CASE("a live restore of files killed at any step is finished or rolled back, never half a file") {
    Place place(quick_folder());
    const auto root = place.path("game");
    const auto spoil = [&] {
        fs::remove_all(root);
        for (const auto& left : fs::directory_iterator(place.folder.path()))
            if (left.path().filename().string().starts_with("game."))
                fs::remove_all(left.path());
        write(root / "a", "old a");
        write(root / "b/c", "old c");
        write(root / "d/inside", "a folder where a file was");
    };
    write(root / "a", "new a");
    write(root / "b/c", "new c");
    write(root / "d", "new d");
    write(root / "e/f", "new f");
    fs::create_hard_link(root / "a", root / "same");
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    for (int at = 1;; ++at) {
        INFO("killed at call " << at);
        spoil();
        const bool killed = killed_at(at, [&] {
            if (!component->restore_live(*place.vault, record, place.work).ok())
                ::_exit(1);
        });
        const auto a = read(root / "a");
        REQUIRE((a == "old a" || a == "new a"));
        must(component->finish_restore(place.work));
        REQUIRE_FALSE(must(component::load_record(place.work.state)));
        const bool done = read(root / "a") == "new a";
        REQUIRE(read(root / "b/c") == (done ? "new c" : "old c"));
        if (done) {
            REQUIRE(read(root / "d") == "new d");
            REQUIRE(read(root / "e/f") == "new f");
            REQUIRE(fs::hard_link_count(root / "a") == 2);
        }
        std::string kept;
        for (const auto& beside : fs::directory_iterator(place.folder.path())) {
            const auto name = beside.path().filename().string();
            REQUIRE(name.find(".restore-") == std::string::npos);
            if (name.find(".aside-") != std::string::npos)
                kept = beside.path();
        }
        REQUIRE(kept.empty() != done);
        if (done) {
            REQUIRE(read(io::Path(kept) / "a") == "old a");
            REQUIRE(read(io::Path(kept) / "b/c") == "old c");
            REQUIRE(read(io::Path(kept) / "d/inside") == "a folder where a file was");
        }
        if (!killed) {
            REQUIRE(done);
            REQUIRE(at > 30);
            break;
        }
    }
}

TEST_CASE("no tree, however it was made, leads a restore outside its place") {
    Place place;
    write(place.path("outside/victim"), "untouched");
    const auto component = memory(place);
    const auto try_tree = [&](const vault::Tree& tree) {
        auto writer = must(place.vault->begin_backup());
        ComponentRecord record{ .name = "memory", .kind = "files", .size_bytes = 100, .files = 10 };
        record.tree = must(writer.store_tree(tree));
        record.detail = Value::Map{ { "roots", Value::List{ place.path("game").string() } } };
        must(writer.finish({ .started = now(), .components = { record } }));
        fs::remove_all(place.path("back"));
        return component->restore_to(*place.vault, record, place.path("back"), place.work);
    };
    for (const char* name : { "..", ".", "", "../outside/victim", "/etc/x", "a/b" }) {
        INFO(name);
        auto writer = must(place.vault->begin_backup());
        const auto stored = writer.store_tree({ TreeEntry{ .name = name } });
        if (stored.ok()) // else the vault itself refuses such a tree
            REQUIRE(try_tree({ TreeEntry{ .name = name } }).error().kind == Kind::corrupt);
    }
    SECTION("a link is made, and nothing is written through it") {
        TreeEntry link{ .name = "l", .type = EntryType::symlink, .target = "../outside" };
        REQUIRE(try_tree({ link }).error().kind == Kind::failed_check); // fewer files than recorded
        REQUIRE(fs::is_symlink(place.path("back/l")));
    }
    SECTION("sizes that do not fit are refused") {
        REQUIRE_FALSE(
            try_tree({ TreeEntry{ .name = "f", .extents = { { UINT64_MAX - 1, 10 } }, .size = 5 } })
                .ok());
        REQUIRE_FALSE(try_tree({ TreeEntry{ .name = "huge", .size = UINT64_MAX } }).ok());
        REQUIRE_FALSE(try_tree({ TreeEntry{ .name = "more", .size = 1000 } }).ok());
    }
    REQUIRE(read(place.path("outside/victim")) == "untouched");
}

TEST_CASE("a folder swapped for a link during a restore is not followed") {
    Place place;
    write(place.path("outside/victim"), "untouched");
    write(place.path("game/sub/victim"), "from the backup");
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    // A plan made while sub was a folder, done when it is a link.
    component::Plan plan;
    const auto top = fs::canonical(place.folder.path());
    plan.roots.push_back({ top, "game", top / "game.restore-x", top / "game.aside-x" });
    component::Step step;
    step.names = { "game", "sub", "victim" };
    step.staged = 1;
    plan.steps.push_back(step);
    write(top / "game.restore-x/1", "new");
    fs::remove_all(place.path("game/sub"));
    fs::create_directory_symlink(place.path("outside"), place.path("game/sub"));
    component::Notes notes;
    REQUIRE_FALSE(
        component::carry_out(must(component::decode_plan(component::encode_plan(plan))), notes).ok());
    REQUIRE(read(place.path("outside/victim")) == "untouched");
}

TEST_CASE("a plan that was changed on disk is refused") {
    component::Plan plan;
    plan.roots.push_back({ "/p", "game", "/p/game.restore-x", "/p/game.aside-x" });
    component::Step step;
    step.names = { "game", "a" };
    plan.steps = { step };
    const auto bytes = component::encode_plan(plan);
    REQUIRE(component::decode_plan(bytes).ok());
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto changed = bytes;
        changed[i] ^= 0x20;
        REQUIRE_FALSE(component::decode_plan(changed).ok());
        REQUIRE_FALSE(component::decode_plan(std::string_view(bytes).substr(0, i)).ok());
    }
    plan.steps[0].names = { "..", "a" };
    REQUIRE_FALSE(component::decode_plan(component::encode_plan(plan)).ok());
}

TEST_CASE("a file that changes while it is read is stored whole up to its size, and noted") {
    Place place;
    const auto path = place.path("game/log");
    write(path, "12345");
    const int file = ::open(path.c_str(), O_RDWR);
    struct stat status {};
    ::fstat(file, &status);
    component::LayoutSource source(file, component::layout_of(file, status), path);
    std::ofstream(path, std::ios::app) << "6789";
    REQUIRE(must(io::read_all(source)) == "12345");
    component::LayoutSource shorter(file, { .size = 9 }, path);
    REQUIRE(::truncate(path.c_str(), 3) == 0);
    REQUIRE(must(io::read_all(shorter)) == "123");
    ::close(file);
}

TEST_CASE(
    "many folders of small files come back as they were, links among them and modes that forbid") {
    Place place(quick_folder());
    const auto root = place.path("game");
    for (int folder = 0; folder < 250; ++folder) { // more than are open at once
        const auto in = root / std::to_string(folder % 10) / std::to_string(folder);
        write(in / "note", "note " + std::to_string(folder % 50)); // many have the same bytes
        write(in / "empty", "");
        write(in / "noise", std::string(folder * 37, static_cast<char>(folder)));
        if (folder > 0)
            fs::create_hard_link(root / "0/0/note", in / "the first one's note");
        const std::string holes(9000, '\0');
        const io::Descriptor sparse(::open((in / "sparse").c_str(), O_WRONLY | O_CREAT, 0640));
        REQUIRE(::pwrite(sparse.number(), "end", 3, 1 << 20) == 3);
        ::setxattr((in / "note").c_str(), "user.note", "kept", 4, 0);
        set_time(in / "note", 1600000000 + folder);
        ::chmod((in / "note").c_str(), 0404);
        set_time(in, 1500000000 + folder);
        ::chmod(in.c_str(), 0555);
    }
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    REQUIRE(record.error == "");
    const auto report =
        must(component->restore_to(*place.vault, record, place.path("back"), place.work));
    REQUIRE(report.files == record.files);
    REQUIRE(listing(below(place.path("back"), root)) == listing(root));
    REQUIRE(fs::hard_link_count(below(place.path("back"), root / "0/0/note")) == 250);
    struct stat sparse {};
    ::stat(below(place.path("back"), root / "3/3/sparse").c_str(), &sparse);
    REQUIRE(sparse.st_blocks * 512 < 1 << 19);
}

TEST_CASE("a large file of which a little changed comes back, and what did not change stays its own") {
    Place place(quick_folder());
    const auto path = place.path("game/world");
    std::string bytes;
    for (std::uint32_t i = 0; bytes.size() < 12'000'000; ++i)
        bytes += std::to_string(i * 2654435761U) + " ";
    write(path, bytes);
    write(place.path("game/other"), "as it is");
    set_time(place.path("game/other"), 1600000000);
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    const std::string how = GENERATE("changed", "shorter", "longer", "gone");
    auto live = bytes;
    live.replace(7'000'000, 5, "other");
    if (how == "shorter")
        live.resize(8'000'000);
    if (how == "longer")
        live += bytes;
    how == "gone" ? static_cast<void>(fs::remove(path)) : write(path, live);
    const auto report = must(component->restore_live(*place.vault, record, place.work));
    REQUIRE(read(path) == bytes);
    REQUIRE(report.unchanged_files == 1);
    if (how != "gone")
        REQUIRE(read(report.kept_aside.at(0) / "world") == live);
}

TEST_CASE("what the last backup saw proves a file only while nothing touched it") {
    Place place;
    const auto path = place.path("game/save");
    write(path, "right bytes");
    set_time(path, 1600000000);
    const auto component = memory(place);
    const auto record = place.back_up(*component);
    const auto entry =
        must(component::find_path(*place.vault, must(place.vault->snapshots()).back(), path.string()))
            .entry;
    // Other bytes under the same time, and a cache that says that exactly this state was backed up.
    write(path, "wrong bytes");
    set_time(path, 1600000000);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    auto cache = must(component::FileCache::open(place.work.state, now() + std::chrono::hours(1)));
    must(cache.add(path, status, { entry.content, {} }));
    must(cache.finish());
    REQUIRE(must(component->restore_live(*place.vault, record, place.work)).unchanged_files == 1);
    REQUIRE(read(path) == "wrong bytes");
    set_time(path, 1600000000); // the system notes the moment
    REQUIRE(must(component->restore_live(*place.vault, record, place.work)).unchanged_files == 0);
    REQUIRE(read(path) == "right bytes");
}
