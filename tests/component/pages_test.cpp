// Pages as they pass: which they are while others write, and what a look at each tells.
#include "component/page_pass.h"
#include "component/sqlite.h"
#include "component/sqlite_image.h"
#include "component/sqlite_survey.h"
#include "rig.h"

#include <csignal>
#include <map>
#include <random>
#include <sys/wait.h>

using namespace rig;
using component::ImageView;
using component::PageSurvey;
using component::PageTree;
using component::SqliteHandle;
using database::PageSource;

namespace {

std::string all_pages(ImageView& view, std::uint32_t at_once,
                      const std::function<void(std::uint32_t)>& between = {}) {
    std::string image;
    for (std::uint32_t first = 1; first <= view.pages(); first += at_once) {
        image += must(view.read(first, at_once));
        if (between)
            between(first);
    }
    return image;
}

// What SQLite itself copies out of a connection's transaction, without the header's counters.
std::string by_backup_api(sqlite3* source, const io::Path& to) {
    sqlite3* copy = nullptr;
    REQUIRE(sqlite3_open(to.c_str(), &copy) == SQLITE_OK);
    auto* backup = sqlite3_backup_init(copy, "main", source, "main");
    REQUIRE(sqlite3_backup_step(backup, -1) == SQLITE_DONE);
    sqlite3_backup_finish(backup);
    sqlite3_close(copy);
    return read(to).substr(100);
}

io::Path make_players(const Place& place, const std::string& pragmas, int players) {
    const auto path = place.path("game/saves.db");
    fs::create_directories(path.parent_path());
    Game game(path);
    game.run(pragmas);
    game.run("CREATE TABLE t(id INTEGER PRIMARY KEY, gold INT, pad BLOB)");
    game.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < " +
             std::to_string(players) + ") INSERT INTO t SELECT i, 100, randomblob(900) FROM n");
    return path;
}

// A file's bytes looked at page by page, in an order that has nothing to do with theirs.
struct Survey {
    std::vector<PageTree> trees;
    std::vector<std::string> lines;
    explicit Survey(const io::Path& path, std::string bytes = {}) {
        if (bytes.empty())
            bytes = read(path);
        std::uint32_t page_size =
            static_cast<unsigned char>(bytes[16]) * 256U + static_cast<unsigned char>(bytes[17]);
        page_size = page_size == 1 ? 65536 : page_size;
        const auto pages = static_cast<std::uint32_t>(bytes.size() / page_size);
        const auto page = [&](std::uint32_t number) {
            return bytes.substr(std::size_t{ number - 1 } * page_size, page_size);
        };
        auto survey = must(PageSurvey::begin(
            page_size, pages, [&](std::uint32_t number) -> Result<std::string> { return page(number); },
            path.parent_path()));
        std::vector<std::uint32_t> order(pages);
        for (std::uint32_t i = 0; i < pages; ++i)
            order[i] = i + 1;
        std::shuffle(order.begin(), order.end(), std::mt19937(pages));
        for (const auto number : order)
            survey.look(number, page(number));
        trees.push_back({ .name = "the schema", .root = 1 });
        const auto sound = must(SqliteHandle::open(path, SqliteHandle::Access::still, {}));
        auto rows = must(
            sound.prepare("SELECT name, rootpage FROM sqlite_schema WHERE rootpage > 0 ORDER BY 1"));
        while (must(rows.step()))
            trees.push_back({ .name = std::string(rows.text(0)),
                              .root = static_cast<std::uint32_t>(rows.integer(1)) });
        lines = survey.judge(trees);
    }
};

constexpr const char* busy_schema = R"(
    CREATE TABLE players(id INTEGER PRIMARY KEY, name TEXT UNIQUE, gold INT, note BLOB);
    CREATE TABLE duels(one INT, two INT, spell BLOB, PRIMARY KEY(one, two)) WITHOUT ROWID;
    CREATE INDEX rich ON players(gold, note);
    CREATE TABLE gone(a); CREATE TABLE empty(a);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1500)
        INSERT INTO players SELECT i * 3, 'player ' || i, i % 97, randomblob(i % 300) FROM n;
    UPDATE players SET note = randomblob(id * 50) WHERE id % 60 = 0;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500)
        INSERT INTO duels SELECT i % 20, i, randomblob(i % 450) FROM n;
    UPDATE duels SET spell = zeroblob(70000) WHERE two = 77;
    INSERT INTO gone SELECT note FROM players; DELETE FROM players WHERE id % 21 = 0; DROP TABLE gone;)";

} // namespace

TEST_CASE("a look at every page counts what SQLite counts, whatever the database's make") {
    const auto pragmas =
        GENERATE(as<std::string>{}, "PRAGMA page_size=512", "PRAGMA page_size=1024",
                 "PRAGMA page_size=2048", "", "PRAGMA page_size=8192", "PRAGMA page_size=16384",
                 "PRAGMA page_size=32768", "PRAGMA page_size=65536", "PRAGMA auto_vacuum=FULL",
                 "PRAGMA page_size=512; PRAGMA auto_vacuum=1",
                 "PRAGMA page_size=1024; PRAGMA auto_vacuum=INCREMENTAL", "PRAGMA encoding='UTF-16be'");
    INFO(pragmas);
    Place place(quick_folder());
    const auto path = place.path("game.db");
    Game game(path);
    game.run(pragmas);
    game.run(busy_schema);
    const Survey survey(path);
    REQUIRE(survey.lines == std::vector<std::string>());
    REQUIRE(survey.trees.size() == 6);
    for (const auto& tree : survey.trees) {
        const auto name = tree.root == 1 ? "sqlite_schema" : tree.name;
        INFO(name);
        const bool is_index = name == "rich" || name.starts_with("sqlite_autoindex");
        REQUIRE(tree.entries == static_cast<std::uint64_t>(game.number("SELECT count(*) FROM " +
                                                                       (is_index ? "players" : name))));
        REQUIRE(tree.pages == static_cast<std::uint64_t>(game.number(
                                  "SELECT count(*) FROM dbstat WHERE name = '" + name + "'")));
    }
}

TEST_CASE("damage of each kind is named with its page and table") {
    const std::string pragmas = GENERATE("", "PRAGMA auto_vacuum=FULL");
    Place place(quick_folder());
    const auto path = place.path("game.db");
    std::map<std::string, std::vector<std::uint32_t>> places; // by kind of page and table
    {
        Game game(path);
        game.run(pragmas);
        game.run(busy_schema);
        sqlite3_stmt* pages = nullptr;
        sqlite3_prepare_v2(game.connection,
                           "SELECT pagetype || ' ' || name, pageno FROM dbstat ORDER BY path", -1,
                           &pages, nullptr);
        while (sqlite3_step(pages) == SQLITE_ROW)
            places[reinterpret_cast<const char*>(sqlite3_column_text(pages, 0))].push_back(
                static_cast<std::uint32_t>(sqlite3_column_int(pages, 1)));
        sqlite3_finalize(pages);
    }
    const auto sound = read(path);
    constexpr std::size_t page = 4096;
    auto bytes = sound;
    const auto at = [](std::uint32_t number) { return std::size_t{ number - 1 } * page; };
    const auto two = [&](std::size_t offset) {
        return static_cast<unsigned char>(bytes[offset]) * 256U +
               static_cast<unsigned char>(bytes[offset + 1]);
    };
    const auto found = [&](const std::string& wanted) {
        const Survey survey(path, bytes);
        INFO("wanted: " << wanted);
        INFO("found: " << join(survey.lines, "; "));
        REQUIRE_FALSE(survey.lines.empty());
        REQUIRE(std::any_of(survey.lines.begin(), survey.lines.end(),
                            [&](const auto& line) { return line.find(wanted) != std::string::npos; }));
        // SQLite agrees.
        write(place.path("damaged.db"), bytes);
        const auto damaged =
            must(SqliteHandle::open(place.path("damaged.db"), SqliteHandle::Access::own, {}));
        const auto integrity = component::check_integrity(damaged);
        REQUIRE((!integrity.ok() || !integrity.value().damage.empty()));
    };
    const auto leaf = places["leaf players"].at(5);
    const auto named = "page " + std::to_string(leaf) + " of players: ";
    SECTION("sound") { REQUIRE(Survey(path, bytes).lines.empty()); }
    SECTION("a leaf of zeros") {
        bytes.replace(at(leaf), page, std::string(page, '\0'));
        found("page " + std::to_string(leaf) + " of players");
    }
    SECTION("a cell outside") {
        bytes.replace(at(leaf) + 8 + 4, 2, "\x0f\xff");
        found(named + "cell 2 lies outside the part for cells");
    }
    SECTION("a cell that is too long") {
        std::size_t last = 0; // the cell at the page's end
        for (std::size_t cell = 1; cell < two(at(leaf) + 3); ++cell)
            if (two(at(leaf) + 8 + 2 * cell) > two(at(leaf) + 8 + 2 * last))
                last = cell;
        bytes.replace(at(leaf) + two(at(leaf) + 8 + 2 * last), 2, "\x9f\x00", 2);
        if (last > 0) // whose rowid still has to rise
            bytes.replace(at(leaf) + two(at(leaf) + 8 + 2 * last) + 2, 2, "\xff\x00", 2);
        found(named + "cell " + std::to_string(last) + " reaches past its page");
    }
    SECTION("two cells at one place") {
        bytes.replace(at(leaf) + 8 + 4, 2, bytes.substr(at(leaf) + 8 + 6, 2));
        found(named);
    }
    SECTION("more cells than fit") {
        bytes.replace(at(leaf) + 3, 2, "\x40\x00", 2);
        found(named + "it has more cells than fit");
    }
    SECTION("rowids out of order") {
        const auto one = bytes.substr(at(leaf) + 8, 2);
        bytes.replace(at(leaf) + 8, 2, bytes.substr(at(leaf) + 10, 2));
        bytes.replace(at(leaf) + 10, 2, one);
        found(named + "the rowid of cell 1 is out of order");
    }
    SECTION("unused bytes that do not add up") {
        bytes[at(leaf) + 7] = static_cast<char>(bytes[at(leaf) + 7] + 3);
        found(named + "its unused bytes do not add up");
    }
    SECTION("free blocks that lead outside") {
        bytes.replace(at(leaf) + 1, 2, "\x0f\xfe");
        found(named + "its list of free blocks leads outside");
    }
    SECTION("a child that another page has too, and one that nobody has") {
        const auto root = places["internal players"].at(0);
        bytes.replace(at(root) + 8, 4, bytes.substr(at(root) + two(at(root) + 12), 4));
        found("is used twice");
        found("is never used");
    }
    SECTION("a page of another kind below") {
        const auto root = places["internal players"].at(0);
        const auto other = places["leaf duels"].at(3);
        std::string number(4, '\0');
        for (int i = 0; i < 4; ++i)
            number[i] = static_cast<char>(other >> (24 - 8 * i));
        bytes.replace(at(root) + 8, 4, number);
        found("page " + std::to_string(other));
    }
    SECTION("an overflow chain that ends early, leads nowhere or runs in a ring") {
        const auto& chains = places["overflow players"];
        const auto in_chain = *std::find_if(chains.begin(), chains.end(), [&](std::uint32_t number) {
            return bytes.compare(at(number), 4, std::string(4, '\0')) != 0;
        });
        const std::string next = GENERATE("end", "nowhere", "ring");
        if (next == "end")
            bytes.replace(at(in_chain), 4, 4, '\0');
        else if (next == "nowhere")
            bytes.replace(at(in_chain), 4, "\x00\xff\xff\xff", 4);
        else
            bytes.replace(at(in_chain) + 2, 2,
                          std::string{ static_cast<char>(in_chain >> 8), static_cast<char>(in_chain) });
        found(next == "ring" ? "page " + std::to_string(in_chain) + " is used twice"
                             : "of players: the overflow chain that begins at page");
    }
    SECTION("the list of free pages") {
        if (!pragmas.empty())
            return; // it has none
        const auto trunk = two(34);
        const std::string what = GENERATE("count", "length", "a page in use", "a page twice");
        if (what == "count") {
            bytes[39] = static_cast<char>(bytes[39] + 1);
            found("the list of free pages has");
        } else if (what == "length") {
            bytes.replace(at(trunk) + 4, 4, "\x7f\xff\xff\xff");
            found("of the list of free pages is damaged");
        } else if (what == "a page in use") {
            bytes.replace(at(trunk) + 10, 2,
                          std::string{ static_cast<char>(leaf >> 8), static_cast<char>(leaf) });
            found("page " + std::to_string(leaf) + " is in the list of free pages and in use");
        } else {
            bytes.replace(at(trunk) + 8, 4, bytes.substr(at(trunk) + 12, 4));
            found("which cannot be in it");
        }
    }
    SECTION("a pointer map that is wrong") {
        if (pragmas.empty())
            return;
        bytes.replace(at(2) + 5 * std::size_t{ leaf - 3 } + 1, 4, "\x00\x00\x00\x09", 4);
        found("the pointer map is wrong about page " + std::to_string(leaf) + " of players");
    }
    SECTION("a file cut short") {
        const auto whole = bytes.size();
        bytes.resize(at(leaf));
        bytes.resize(whole);
        REQUIRE_FALSE(Survey(path, bytes).lines.empty());
    }
}

TEST_CASE("random damage never crashes a look at the pages, and SQLite confirms what it finds") {
    Place place(quick_folder());
    const auto path = place.path("game.db");
    const std::string pragmas =
        GENERATE("PRAGMA page_size=512", "PRAGMA page_size=512; PRAGMA auto_vacuum=1");
    Game(path).run(
        pragmas +
        "; CREATE TABLE a(i INTEGER PRIMARY KEY, x BLOB); CREATE INDEX b ON a(x); WITH RECURSIVE "
        "n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 60) INSERT INTO a SELECT i, "
        "randomblob(i * 13 % 200 + i / 55 * 900) FROM n; DELETE FROM a WHERE i % 9 = 0");
    const auto sound = read(path);
    const auto seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    int noticed = 0;
    for (int round = 0; round < 400; ++round) {
        auto bytes = sound;
        for (auto flips = random() % 3 + 1; flips > 0; --flips) {
            const auto page = 1 + random() % (bytes.size() / 512 - 1);
            const auto at = random() % 3 ? random() % 40 : random() % 512;
            bytes[page * 512 + at] = static_cast<char>(random());
        }
        const Survey survey(path, bytes);
        if (survey.lines.empty())
            continue;
        ++noticed;
        write(place.path("damaged.db"), bytes);
        const auto damaged =
            must(SqliteHandle::open(place.path("damaged.db"), SqliteHandle::Access::own, {}));
        const auto integrity = component::check_integrity(damaged);
        INFO("round " << round << ": " << survey.lines[0]);
        REQUIRE((!integrity.ok() || !integrity.value().damage.empty()));
    }
    REQUIRE(noticed > 40); // about a hundred, as chance has it: the rest hit content or free bytes
}

TEST_CASE("pages are those of the transaction while others commit, checkpoint and begin the WAL anew") {
    const std::string start = GENERATE("frames in the WAL", "all frames in the file");
    Place place;
    const auto path = make_players(place, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0", 3000);
    Game game(path);
    game.run("PRAGMA wal_autocheckpoint=0; PRAGMA synchronous=OFF");
    game.run("UPDATE t SET gold = 7 WHERE id % 3 = 0");
    if (start != "frames in the WAL")
        game.run("PRAGMA wal_checkpoint(FULL)");
    else
        game.run("UPDATE t SET gold = 8 WHERE id % 5 = 0");
    std::string expected, found;
    const auto take = [&](ImageView& view) -> Result<void> {
        expected = by_backup_api(view.shown().get(), place.path("expected.db"));
        int changes = 0;
        found = all_pages(view, 16, [&](std::uint32_t) {
            game.run("UPDATE t SET gold = gold + 1, pad = randomblob(900) WHERE id % 7 = " +
                     std::to_string(++changes % 7));
            game.run(changes % 2 ? "PRAGMA wal_checkpoint(PASSIVE)" : "PRAGMA wal_checkpoint(RESTART)");
        });
        return {};
    };
    must(component::take_image({ path, place.path("copy"), {}, take }));
    REQUIRE(found.substr(100) == expected);
    REQUIRE(found.size() > 3'000'000);
    REQUIRE_FALSE(fs::exists(place.path("copy")));
}

TEST_CASE("a writer that would wait for a long reading goes on, and the image is as it was") {
    Place place;
    const auto path = make_players(place, "", 3000);
    const auto before = read(path);
    Game game(path);
    std::string found;
    bool began = false;
    const auto take = [&](ImageView& view) -> Result<void> {
        found = all_pages(view, 16, [&](std::uint32_t first) {
            if (first == 1)
                game.run("BEGIN IMMEDIATE; UPDATE t SET gold = 1");
            else if (!std::exchange(began, true))
                game.run("COMMIT");
        });
        REQUIRE(must(view.shown().number("SELECT sum(gold) FROM t")) == 300000);
        return {};
    };
    const std::uint64_t short_rest = GENERATE(0, 1 << 30);
    if (short_rest == 0) {
        must(component::take_image({ path, place.path("copy"), {}, take, {}, short_rest }));
        REQUIRE(game.number("SELECT sum(gold) FROM t") == 3000);
    } else { // little is left to read: it waits
        const auto wait = [&](ImageView& view) -> Result<void> {
            found = all_pages(view, 16, [&](std::uint32_t first) {
                if (first == 1)
                    game.run("BEGIN IMMEDIATE; UPDATE t SET gold = 1");
            });
            return {};
        };
        must(component::take_image({ path, place.path("copy"), {}, wait, {}, short_rest }));
        REQUIRE_FALSE(fs::exists(place.path("copy")));
    }
    REQUIRE(found == before);
}

TEST_CASE("images taken while a process hammers the database are sound and of one moment") {
    const std::string mode =
        GENERATE("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=20", "PRAGMA journal_mode=DELETE");
    Place place(quick_folder());
    const auto path = make_players(place, mode, 2000);
    const pid_t writer = ::fork();
    if (writer == 0) {
        sqlite3* game = nullptr;
        sqlite3_open(path.c_str(), &game);
        sqlite3_busy_timeout(game, 10000);
        sqlite3_exec(game, "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=20", nullptr, nullptr,
                     nullptr);
        for (int i = 0;; ++i) {
            const auto some = std::to_string(i % 90);
            sqlite3_exec(
                game,
                ("BEGIN IMMEDIATE; UPDATE t SET gold = gold - 7, pad = randomblob(id % 1500) "
                 "WHERE id % 97 = " +
                 some + "; UPDATE t SET gold = gold + 7 WHERE id % 97 = " + some +
                 " + 1; UPDATE t SET gold = gold - 7 * ((SELECT sum(gold) FROM t) - 200000) / 7 "
                 "WHERE id = 1; DELETE FROM t WHERE id > 2000; INSERT INTO t VALUES(2001 + " +
                 some + ", 0, zeroblob(9000)); COMMIT")
                    .c_str(),
                nullptr, nullptr, nullptr);
        }
    }
    for (int i = 0; i < 12; ++i) {
        const auto image = place.path("image");
        const auto take = [&](ImageView& view) -> Result<void> {
            write(image, all_pages(view, 64));
            return {};
        };
        must(component::take_image({ path,
                                     place.path("copy"),
                                     { std::chrono::seconds(20) },
                                     take,
                                     {},
                                     i % 2 ? 0 : 1U << 30 }));
        REQUIRE(Survey(image).lines == std::vector<std::string>());
        Game back(image);
        REQUIRE(back.number("SELECT sum(gold) FROM t") == 200000);
        REQUIRE(back.number(
                    "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") == 1);
        fs::remove(place.path("copy"));
    }
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
}

TEST_CASE("a database at rest is read where it lies, and nothing appears beside it") {
    Place place;
    const std::string mode = GENERATE("PRAGMA journal_mode=WAL", "PRAGMA journal_mode=DELETE");
    const auto path = make_players(place, mode, 500);
    std::string found;
    const auto take = [&](ImageView& view) -> Result<void> {
        found = all_pages(view, 16);
        return {};
    };
    must(component::take_image({ path, place.path("copy"), {}, take }));
    REQUIRE(found == read(path));
    REQUIRE_FALSE(fs::exists(place.path("copy")));
    REQUIRE(std::distance(fs::directory_iterator(path.parent_path()), {}) == 1);
}

TEST_CASE("a database that is opened and written while it is read at rest is read again") {
    Place place;
    const auto path = make_players(place, "PRAGMA journal_mode=WAL", 500);
    std::unique_ptr<Game> game;
    int taken = 0;
    std::string found, expected;
    const auto take = [&](ImageView& view) -> Result<void> {
        ++taken;
        if (taken == 2)
            expected = by_backup_api(view.shown().get(), place.path("expected.db"));
        found = all_pages(view, 16, [&](std::uint32_t) {
            if (game)
                return;
            game = std::make_unique<Game>(path);
            game->run("UPDATE t SET gold = 5; PRAGMA wal_checkpoint(PASSIVE)");
        });
        return {};
    };
    must(component::take_image({ path, place.path("copy"), {}, take }));
    REQUIRE(taken == 2);
    REQUIRE(found.substr(100) == expected);
}

TEST_CASE("an index that lacks rows of its table is named, and the backup fails") {
    Place place;
    const auto path = place.path("game/saves.db");
    fs::create_directories(path.parent_path());
    Game(path).run("CREATE TABLE players(id INTEGER PRIMARY KEY, name TEXT); CREATE INDEX by_name ON "
                   "players(name); INSERT INTO players VALUES(1, 'ada'), (2, 'lin')");
    // Rows that come while the schema does not name the index.
    {
        Game game(path);
        game.run("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name = 'by_name'");
    }
    Game(path).run("INSERT INTO players VALUES(3, 'zoë')");
    Game(path).run("PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES('index', 'by_name', "
                   "'players', 3, 'CREATE INDEX by_name ON players(name)')");
    const auto component = component::open_sqlite({ .name = "saves", .kind = "sqlite", .path = path },
                                                  std::chrono::milliseconds(50));
    auto writer = must(place.vault->begin_backup());
    const auto error = component->back_up(writer, place.work).error();
    REQUIRE(error.kind == Kind::corrupt);
    REQUIRE(error.why.find("index by_name has 2 entries, table players 3 rows") != std::string::npos);
}
