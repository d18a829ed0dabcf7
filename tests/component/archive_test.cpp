#include "component/archive_export.h"
#include "component/archive_import.h"
#include "component/differences.h"
#include "component/files.h"
#include "rig.h"

#include <fmt/format.h>

using namespace rig;
using component::ImportRequest;

namespace {

// One entry of a ustar archive, byte by byte: what no honest tar would write as well.
struct Raw {
    std::string name;
    char type = '0'; // 1 hard link, 2 symbolic link, 3 device, 5 folder
    std::string bytes = {};
    std::string target = {};
    std::uint64_t size = UINT64_MAX; // another than the bytes', or theirs
};

std::string header_of(const Raw& raw) {
    const auto size = raw.size == UINT64_MAX ? raw.bytes.size() : raw.size;
    std::string block(512, '\0');
    const auto put = [&](std::size_t at, std::string_view text) {
        block.replace(at, text.size(), text);
    };
    put(0, raw.name);
    put(100, "0000644");
    put(108, "0000000");
    put(116, "0000000");
    put(124, fmt::format("{:011o}", size));
    put(136, "00000000001");
    put(148, "        ");
    put(156, std::string(1, raw.type));
    put(157, raw.target);
    put(257, std::string_view("ustar\0"
                              "00",
                              8));
    unsigned sum = 0;
    for (const unsigned char byte : block)
        sum += byte;
    put(148, fmt::format("{:06o}", sum));
    block[154] = '\0';
    return block;
}

std::string tar_of(const std::vector<Raw>& entries) {
    std::string tar;
    for (const auto& raw : entries) {
        tar += header_of(raw) + raw.bytes;
        tar.resize((tar.size() + 511) / 512 * 512);
    }
    return tar + std::string(1024, '\0');
}

Result<ComponentRecord> import(Place& place, const std::string& tar,
                               component::ImportLimits limits = {}) {
    const auto file = place.path("in.tar");
    write(file, tar);
    auto writer = must(place.vault->begin_backup());
    auto record = component::import_archive(writer, { file, "old", {}, limits }, place.work);
    if (record.ok())
        must(writer.finish({ .game = "g", .started = now(), .components = { record.value() } }));
    return record;
}

void refused(const std::vector<Raw>& entries, const std::string& why) {
    Place place(quick_folder());
    const auto record = import(place, tar_of(entries));
    REQUIRE_FALSE(record.ok());
    CHECK_THAT(record.error().why, Catch::Contains(why));
    CHECK_FALSE(record.error().fix.empty());
    CHECK(must(place.vault->snapshots()).empty());
}

} // namespace

TEST_CASE("an archive that leads anywhere else is refused whole", "[archive]") {
    const Raw good{ "good", '0', "x" };
    SECTION("absolute") { refused({ good, { "/etc/cron.d/x", '0', "x" } }, "absolute"); }
    SECTION("dots") { refused({ good, { "a/../../x", '0', "x" } }, "outside"); }
    SECTION("dots at the end") { refused({ good, { "a/..", '5' } }, "outside"); }
    SECTION("absolute link") { refused({ good, { "l", '2', "", "/etc" } }, "outside"); }
    SECTION("link up") { refused({ good, { "a/l", '2', "", "../../x" } }, "outside"); }
    SECTION("below a link") { refused({ good, { "l", '2', "", "a" }, { "l/x", '0', "x" } }, "below"); }
    SECTION("a link for a folder") {
        refused({ { "l/x", '0', "x" }, { "l", '2', "", "/" } }, "something else");
    }
    SECTION("below a file") { refused({ good, { "good/x", '0', "x" } }, "below"); }
    SECTION("links that only together lead outside") {
        refused({ good, { "a/b/top", '2', "", "../.." }, { "sly", '2', "", "a/b/top/.." } }, "outside");
    }
    SECTION("a loop of links that ends outside") {
        refused({ good, { "a", '2', "", "b/../.." }, { "b", '2', "", "a" } }, "outside");
    }
    SECTION("hard link to what is not there") {
        refused({ good, { "h", '1', "", "/etc/shadow" } }, "absolute");
    }
    SECTION("hard link through a link") {
        refused({ good, { "d/x", '0', "x" }, { "l", '2', "", "d" }, { "h", '1', "", "l/x" } },
                "no file before");
    }
    SECTION("hard link to itself") { refused({ good, { "h", '1', "", "h" } }, "no file before"); }
    SECTION("device") { refused({ good, { "null", '3' } }, "device"); }
    SECTION("twice") { refused({ good, good }, "twice"); }
    SECTION("twice by another spelling") { refused({ good, { "./good", '0', "y" } }, "twice"); }
    SECTION("a folder twice") {
        refused({ { "a/", '5' }, { "a", '5' }, { "a/x", '0', "x" } }, "twice");
    }
    SECTION("a name that is too long") {
        refused(
            { good, { std::string(99, 'n'), 'L', std::string(300, 'n') + '\0' }, { "n", '0', "x" } },
            "no folder can hold");
    }
    SECTION("nothing") { refused({ { "empty/", '5' } }, "no files"); }
}

TEST_CASE("an archive that is damaged or cut short anywhere is refused", "[archive]") {
    Place place(quick_folder());
    const auto whole =
        tar_of({ { "a", '0', std::string(2000, 'a') }, { "b/c", '0', "c" }, { "l", '2', "", "a" } });
    for (std::size_t size = 0; size < whole.size(); size += 256)
        CHECK_FALSE(import(place, whole.substr(0, size)).ok());
    for (std::size_t at = 0; at < 512; at += 7) {
        auto flipped = whole;
        flipped[at] ^= 0x10;
        CHECK_FALSE(import(place, flipped).ok());
    }
    CHECK_FALSE(import(place, tar_of({ { "huge", '0', "x", "", 07777777777 } })).ok());
    CHECK(must(place.vault->snapshots()).empty());
    CHECK(import(place, whole).ok());
}

TEST_CASE("a folder's own entry may come after what is in it", "[archive]") {
    Place place(quick_folder());
    const auto record = must(import(place, tar_of({ { "a/b/x", '0', "1" },
                                                    { "c", '0', "2" },
                                                    { "a/b/", '5' },
                                                    { "./", '5' },
                                                    { "a/y", '0', "3" },
                                                    { "a/", '5' } })));
    CHECK(record.files == 3);
    CHECK(record.size_bytes == 3);
    must(must(component::open_recorded(record))
             ->restore_to(*place.vault, record, place.path("out"), place.work));
    CHECK(read(place.path("out/a/b/x")) == "1");
    CHECK(read(place.path("out/a/y")) == "3");
    CHECK((fs::status(place.path("out/a/b")).permissions() & fs::perms::mask) == fs::perms(0644));
}

TEST_CASE("limits name the option that lifts them", "[archive]") {
    Place place(quick_folder());
    const auto tar = tar_of({ { "a", '0', std::string(3000, 'a') }, { "b", '0', "b" } });
    const auto over = import(place, tar, { .bytes = 3000 });
    REQUIRE_FALSE(over.ok());
    CHECK_THAT(over.error().fix, Catch::Contains("--limit"));
    const auto many = import(place, tar, { .entries = 1 });
    REQUIRE_FALSE(many.ok());
    CHECK_THAT(many.error().fix, Catch::Contains("--most-entries"));
    CHECK(import(place, tar, { .bytes = 3001, .entries = 2 }).ok());
}

TEST_CASE("what is exported and imported again is the same tree", "[archive]") {
    Place place(quick_folder());
    const auto root = place.path("game");
    write(root / "a" / "one.txt", "one");
    write(root / "big.bin", std::string(3 << 20, 'b'));
    fs::create_hard_link(root / "a" / "one.txt", root / "two.txt");
    fs::create_symlink("a/one.txt", root / "link");
    write(root / "bad\xff\xfe", "x");
    write(root / "sparse", "begin");
    fs::resize_file(root / "sparse", 8 << 20);
    write(root / "hole", "");
    fs::resize_file(root / "hole", 1 << 20);
    config::ComponentSettings settings{ .name = "old", .kind = "files" };
    settings.paths = { root };
    const auto files = component::open_files(settings);
    const auto before = place.back_up(*files);

    const auto form = GENERATE(".tar", ".tar.gz", ".tar.zst");
    const auto to = place.path(std::string("out") + form);
    const auto report = must(component::export_archive(*place.vault, { component::whole_part(before) },
                                                       to, *component::archive_form(to), place.work));
    CHECK(report.files == before.files);
    auto writer = must(place.vault->begin_backup());
    const auto after = must(component::import_archive(writer, { to, "old", { root }, {} }, place.work));
    const auto snapshot =
        must(writer.finish({ .game = "g", .started = now(), .components = { after } }));

    std::vector<std::string> differences;
    must(component::compare(*place.vault, must(place.vault->snapshots()).front(), snapshot, "",
                            place.cancel, [&](const component::Difference& found) -> Result<void> {
                                differences.push_back(found.path + ": " + join(found.parts, ","));
                                return {};
                            }));
    CHECK(differences.empty());
    CHECK(after.size_bytes == before.size_bytes);
    CHECK(after.detail.at("roots").list()->size() == 1); // so it can go back over the live data

    // Never over another file, and nothing beside it.
    const auto again = component::export_archive(*place.vault, { component::whole_part(before) }, to,
                                                 *component::archive_form(to), place.work);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().kind == Kind::conflict);
    for (const auto& file : fs::directory_iterator(place.folder.path()))
        CHECK_FALSE(file.path().filename().string().starts_with("."));
}

TEST_CASE("an import of another time stands there alone and leaves the writer's chain as it was",
          "[archive]") {
    Place place(quick_folder());
    write(place.path("game/a"), "a");
    config::ComponentSettings settings{ .name = "old", .kind = "files" };
    settings.paths = { place.path("game") };
    const auto files = component::open_files(settings);
    place.back_up(*files);
    auto writer = must(place.vault->begin_backup());
    const Moment then{ 1'500'000'000'000'000 };
    const auto imported = must(writer.finish({ .game = "g", .started = now(), .moment = then }));
    place.back_up(*files);
    const auto all = must(place.vault->snapshots());
    REQUIRE(all.size() == 3);
    CHECK(all[0].id == imported.id);
    CHECK(all[0].started == then.microseconds);
    CHECK(all[1].writer == all[2].writer);
    CHECK(all[2].number == all[1].number + 1);
    CHECK(all[0].writer != all[1].writer);
    CHECK(must(place.vault->check(vault::CheckDepth::structure, place.cancel)).damage.empty());
}
