#include "row_rig.h"

#include <thread>

using namespace rig;

namespace {

Rows many_rows(std::size_t count, std::size_t size, std::uint64_t seed = 1) {
    std::mt19937_64 random(seed);
    Rows rows;
    for (std::size_t i = 0; i < count; ++i)
        rows[number_key(i * 3)] = some_row(random, size);
    return rows;
}

// Other rows for some of them.
void change_some(Rows& rows, double share, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    for (auto& [key, row] : rows)
        if (std::uniform_real_distribution<>(0, 1)(random) < share)
            row = some_row(random, row.size());
}

RowSum sum_of(const Table& table, const Rows& rows) {
    const component::RowHasher hasher(*table.vault);
    RowSum sum;
    for (const auto& [key, row] : rows)
        sum.add(hasher, key, row);
    return sum;
}

} // namespace

TEST_CASE("rows come back in the order of their keys, each found by its key") {
    Table table;
    const auto rows = many_rows(20'000, 100);
    table.back_up(rows);
    const auto tree = table.open();
    REQUIRE(tree.rows() == rows.size());
    REQUIRE(tree.sum() == sum_of(table, rows));
    REQUIRE(tree.sum() == table.sum);
    REQUIRE(rows_of(tree) == rows);
    for (std::size_t i = 0; i < 20'000; i += 777)
        REQUIRE(must(tree.find(number_key(i * 3))) == rows.at(number_key(i * 3)));
    REQUIRE_FALSE(must(tree.find(number_key(4))));
    REQUIRE_FALSE(must(tree.find("")));
    REQUIRE_FALSE(must(tree.find("\xff")));
    const auto from = must(tree.rows_from(number_key(3000))),
               behind = must(tree.rows_from(number_key(3000), RowTree::From::behind));
    (void)from, (void)behind;
    REQUIRE(rows_of(must(tree.rows_from(number_key(3000)))) ==
            Rows(rows.find(number_key(3000)), rows.end()));
    REQUIRE(rows_of(must(tree.rows_from(number_key(3000), RowTree::From::behind))) ==
            Rows(std::next(rows.find(number_key(3000))), rows.end()));
}

TEST_CASE("a table that has not changed costs nothing and gives the same entries") {
    Table table;
    table.unique_keys = 1;
    table.unique = [](std::string_view row) { return std::vector<Cell>{ row.substr(0, 8) }; };
    auto rows = many_rows(10'000, 100);
    const auto first = table.back_up(rows);
    const auto new_blobs = [&](const Rows& now) {
        auto into = must(table.vault->begin_backup());
        auto writer = must(RowTreeWriter::begin(into, *table.vault, table.plan()));
        for (const auto& [key, row] : now)
            must(writer.add(key, row, table.unique(row)));
        REQUIRE(must(writer.finish()) == *table.last);
        REQUIRE(into.counters().read_bytes >= 1'000'000);
        return into.counters().new_blobs;
    };
    REQUIRE(new_blobs(rows) == 0);
    change_some(rows, 0.4, 2); // so many that a new base is due
    table.back_up(rows);
    REQUIRE(table.runs() == 1);
    REQUIRE(new_blobs(rows) == 0);
    rows.begin()->second += "!";
    table.back_up(rows);
    REQUIRE(table.runs() == 0);
    REQUIRE(new_blobs(rows) == 0);
    REQUIRE(rows_of(table.open()) == rows);
    REQUIRE(rows_of(table.open(first)) == many_rows(10'000, 100));
}

TEST_CASE("one changed row in a hundred costs at most three bytes in a hundred") {
    Table table;
    table.unique_keys = 1;
    table.unique = [](std::string_view row) { return std::vector<Cell>{ row.substr(0, 12) }; };
    auto rows = many_rows(40'000, 300);
    table.back_up(rows);
    const auto whole = table.stored;
    for (std::uint64_t day = 0; day < 6; ++day) {
        change_some(rows, 0.01, day);
        table.back_up(rows);
        REQUIRE(table.stored < whole * 3 / 100);
    }
    REQUIRE(table.runs() == 6);
    REQUIRE(rows_of(table.open()) == rows);
}

TEST_CASE("runs are merged when they are many, and give way to a new base when they are large") {
    Table table;
    auto rows = many_rows(20'000, 100);
    table.back_up(rows);
    const auto whole = table.stored;
    bool was_rebased = false;
    for (std::uint64_t day = 0; day < 30 && !was_rebased; ++day) {
        change_some(rows, 0.02, day);
        rows.erase(std::next(rows.begin(), static_cast<std::ptrdiff_t>(day * 100)));
        rows[number_key(day * 3 + 1)] = "new " + std::to_string(day);
        const auto runs = table.runs();
        table.back_up(rows);
        REQUIRE(table.runs() <= 8);
        was_rebased = table.runs() < runs && table.runs() == 0;
        if (!was_rebased)
            REQUIRE(table.stored < whole / 5);
        REQUIRE(table.changed > 0);
        REQUIRE(rows_of(table.open()) == rows);
        REQUIRE(table.open().sum() == sum_of(table, rows));
    }
    REQUIRE(was_rebased);
}

TEST_CASE("rows that were added behind the others are stored once, though a new base follows") {
    Table table;
    auto rows = many_rows(3'000, 200);
    table.back_up(rows);
    const auto first = table.stored;
    std::mt19937_64 random(3);
    for (std::uint64_t i = 0; i < 30'000; ++i)
        rows[number_key(100'000 + i)] = some_row(random, 200);
    table.back_up(rows);
    const auto added = table.stored;
    REQUIRE(added > 8 * first);
    rows.rbegin()->second += "!";
    table.back_up(rows);
    REQUIRE(table.runs() == 0);
    REQUIRE(table.stored < added / 10);
    REQUIRE(rows_of(table.open()) == rows);
}

TEST_CASE("lost, damaged and foreign digests cost nothing but time") {
    Table table;
    auto rows = many_rows(10'000, 100);
    table.back_up(rows);
    const auto file = table.state / "digests";
    REQUIRE(fs::exists(file));
    change_some(rows, 0.001, 1);
    const auto older = read(file);
    SECTION("lost") { fs::remove_all(table.state); }
    SECTION("damaged") {
        auto bytes = read(file);
        bytes[bytes.size() / 2] ^= 1;
        write(file, bytes);
    }
    SECTION("cut short") { write(file, read(file).substr(0, 20)); }
    SECTION("of an older backup") {
        auto other = rows;
        change_some(other, 0.001, 2);
        table.back_up(other);
        write(file, older);
    }
    table.back_up(rows);
    REQUIRE(table.changed < 60);
    REQUIRE(rows_of(table.open()) == rows);
    const auto again = table.back_up(rows);
    REQUIRE(table.changed == 0);
    fs::remove_all(table.state);
    REQUIRE(table.back_up(rows) == again);
    REQUIRE(fs::exists(file));
}

TEST_CASE("another definition, other unique keys, or none any more: all is stored anew") {
    Table table;
    auto rows = many_rows(10'000, 100);
    table.back_up(rows);
    rows.begin()->second += "!";
    SECTION("definition") { table.schema = "2"; }
    SECTION("unique keys") {
        table.unique_keys = 1;
        table.unique = [](std::string_view row) { return std::vector<Cell>{ row }; };
    }
    SECTION("a foreign folder") { table.last = vault::Tree{ { .name = "definition" } }; }
    table.back_up(rows);
    REQUIRE(table.runs() == 0);
    REQUIRE(table.changed == rows.size());
    REQUIRE(rows_of(table.open()) == rows);
}

TEST_CASE("small tables leave no digests and have no runs") {
    Table table;
    auto rows = many_rows(100, 100);
    const auto first = table.back_up(rows);
    REQUIRE(table.back_up(rows) == first);
    rows.begin()->second = "other";
    table.back_up(rows);
    REQUIRE(table.runs() == 0);
    REQUIRE_FALSE(fs::exists(table.state));
    REQUIRE(rows_of(table.open()) == rows);
    table.back_up({});
    REQUIRE(rows_of(table.open()).empty());
    REQUIRE(table.open().rows() == 0);
    REQUIRE_FALSE(must(table.open().find("x")));
}

TEST_CASE("a table that lost all its rows, and got them back") {
    Table table;
    const auto rows = many_rows(10'000, 100);
    const auto full = table.back_up(rows);
    const auto empty = table.back_up({});
    REQUIRE(rows_of(table.open()).empty());
    REQUIRE(table.changed == rows.size());
    REQUIRE(differences(table.open(full), table.open(empty)) == differences(rows, {}));
    table.back_up(rows);
    REQUIRE(rows_of(table.open()) == rows);
    REQUIRE(differences(table.open(empty), table.open()) == differences({}, rows));
    REQUIRE(differences(table.open(full), table.open()).empty());
}

TEST_CASE("tables without keys keep their order, and rows that stand twice") {
    Table table;
    table.keyed = false;
    std::mt19937_64 random(5);
    std::vector<std::string> rows;
    for (int i = 0; i < 8'000; ++i)
        rows.push_back(i % 3 == 0 ? "the same" : some_row(random, random() % 300));
    const auto first = table.back_up_list(rows);
    const auto once = table.sum;
    REQUIRE(once.rows == rows.size());
    std::vector<std::string> read;
    auto cursor = must(table.open().rows_from());
    while (must(cursor.next())) {
        REQUIRE(cursor.key().empty());
        read.emplace_back(cursor.row());
    }
    REQUIRE(read == rows);
    REQUIRE(table.back_up_list(rows) == first);
    const auto same = table.open();
    REQUIRE(differences(table.open(first), same).empty());
    REQUIRE(same.find("x").error().kind == Kind::unsupported);
    REQUIRE(same.rows_from("x").error().kind == Kind::unsupported);
    std::ranges::shuffle(rows, random);
    table.back_up_list(rows);
    REQUIRE(table.sum == once);
    rows.push_back("the same");
    table.back_up_list(rows);
    REQUIRE_FALSE(table.sum == once);
    REQUIRE(RowTree::compare(same, table.open(), {}).error().kind == Kind::unsupported);
}

TEST_CASE("rows out of order, keys that are too long and wrong calls are refused") {
    Table table;
    auto into = must(table.vault->begin_backup());
    const auto writer = [&] { return must(RowTreeWriter::begin(into, *table.vault, table.plan())); };
    auto one = writer();
    must(one.add("b", "row"));
    SECTION("twice") { REQUIRE(one.add("b", "row").error().kind == Kind::corrupt); }
    SECTION("falling") { REQUIRE(one.add("a", "row").error().kind == Kind::corrupt); }
    SECTION("long") {
        REQUIRE(one.add(std::string(component::longest_key + 1, 'x'), "").error().kind ==
                Kind::unsupported);
        must(one.add(std::string(component::longest_key, 'x'), ""));
    }
    SECTION("unique") {
        const std::vector<Cell> cells{ Cell() };
        REQUIRE(one.add("c", "row", cells).error().kind == Kind::internal);
    }
    const auto error = one.add("a", "SECRET").error();
    REQUIRE(error.why.find("SECRET") == std::string::npos);
}

TEST_CASE("awkward keys and rows come back as they were") {
    Table table;
    Rows rows{ { "", "the empty key" },
               { std::string("\0", 1), "" },
               { std::string("\0\0x", 3), "z" } };
    const std::string same(3'000, 'k');
    for (int i = 0; i < 300; ++i)
        rows[same + std::to_string(i)] = std::string(static_cast<std::size_t>(i) * 7, 'r');
    rows["large"] = std::string(3 << 20, 'L');
    rows["very large"] = std::string(37 << 20, 'V');
    rows["\xff\xff"] = "last";
    table.back_up(rows);
    for (const auto& [key, row] : rows)
        REQUIRE((must(table.open().find(key)) == row));
    REQUIRE((rows_of(table.open()) == rows));
    rows["very large"].back() = 'W';
    rows[""] = "changed";
    table.back_up(rows);
    REQUIRE(table.changed == 2);
    REQUIRE((rows_of(table.open()) == rows));
}

TEST_CASE("keys made of columns sort like the columns") {
    using Column = std::variant<std::monostate, std::int64_t, std::uint64_t, std::string>;
    const auto key_of = [](const std::vector<Column>& columns) {
        std::string key;
        for (const auto& column : columns)
            if (const auto* number = std::get_if<std::int64_t>(&column))
                component::append_key(key, *number);
            else if (const auto* large = std::get_if<std::uint64_t>(&column))
                component::append_key(key, *large);
            else if (const auto* text = std::get_if<std::string>(&column))
                component::append_key(key, std::string_view(*text));
            else
                component::append_key_null(key);
        return key;
    };
    std::vector<Column> rising{ std::monostate() };
    for (const auto number :
         { INT64_MIN, INT64_MIN + 1, std::int64_t{ -65'537 }, std::int64_t{ -65'536 },
           std::int64_t{ -256 }, std::int64_t{ -255 }, std::int64_t{ -1 }, std::int64_t{ 0 },
           std::int64_t{ 1 }, std::int64_t{ 255 }, std::int64_t{ 256 }, INT64_MAX })
        rising.emplace_back(number);
    rising.emplace_back(std::uint64_t{ INT64_MAX } + 1);
    rising.emplace_back(UINT64_MAX);
    for (const auto& text :
         { std::string(), std::string("\0", 1), std::string("\0\0", 2), std::string("\0\xff", 2),
           std::string("\1"), std::string("a"), std::string("a\0", 2), std::string("aa"),
           std::string("b"), std::string("\xff") })
        rising.emplace_back(text);
    for (std::size_t i = 0; i < rising.size(); ++i)
        for (std::size_t j = 0; j < rising.size(); ++j) {
            INFO(i << " and " << j);
            REQUIRE((key_of({ rising[i] }) < key_of({ rising[j] })) == (i < j));
            for (const auto& column : rising) { // what follows decides only where these are equal
                const auto one = key_of({ rising[i], column }),
                           other = key_of({ rising[j], rising[3] });
                if (i != j)
                    REQUIRE((one < other) == (i < j));
            }
        }
    REQUIRE(key_of({ std::int64_t{ 7 } }) == key_of({ std::uint64_t{ 7 } }));
}

TEST_CASE("cells come back from a row, and nothing else does") {
    std::string row;
    component::append_cell(row, "one");
    component::append_cell(row, {});
    component::append_cell(row, "");
    component::append_cell(row, std::string(300, 'x'));
    const auto cells = must(component::cells_of(row, 4));
    REQUIRE(cells[0] == "one");
    REQUIRE_FALSE(cells[1]);
    REQUIRE(cells[2] == "");
    REQUIRE(cells[3]->size() == 300);
    REQUIRE(component::cells_of(row, 3).error().kind == Kind::corrupt);
    REQUIRE(component::cells_of(row, 5).error().kind == Kind::corrupt);
    REQUIRE(component::cells_of(row, SIZE_MAX).error().kind == Kind::corrupt);
    for (std::size_t size = 0; size < row.size(); ++size)
        REQUIRE(component::cells_of(row.substr(0, size), 4).error().kind == Kind::corrupt);
    for (const std::string_view bytes :
         { std::string_view("\x80\x00", 2), std::string_view("\xff"),
           std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
           std::string_view("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") })
        REQUIRE(component::cells_of(bytes, 1).error().kind == Kind::corrupt);
}

TEST_CASE("a row is found by what its unique keys hold") {
    Table table;
    table.unique_keys = 2;
    table.unique = [](std::string_view row) {
        return std::vector<Cell>{ row.substr(0, 12), row.size() % 2 ? Cell() : Cell(row) };
    };
    auto rows = many_rows(10'000, 100);
    for (auto& [key, row] : rows)
        row.resize(100 + row[0] % 2);
    table.back_up(rows);
    const auto holds = [&](std::size_t number, const std::string& key) {
        const auto cell = table.unique(rows.at(key))[number];
        const auto keys = must(table.open().keys_with(number, *cell));
        REQUIRE(keys.size() < 4);
        return std::ranges::find(keys, key) != keys.end();
    };
    for (int day = 0; day < 3; ++day) {
        std::size_t i = 0;
        for (const auto& [key, row] : rows)
            if (++i % 501 == 0) {
                REQUIRE(holds(0, key));
                if (row.size() % 2 == 0)
                    REQUIRE(holds(1, key));
            }
        change_some(rows, 0.01, static_cast<std::uint64_t>(day));
        table.back_up(rows);
    }
    REQUIRE(must(table.open().keys_with(0, "nobody")).empty());
    REQUIRE(table.open().keys_with(2, "x").error().kind == Kind::usage);
}

TEST_CASE("a block that the vault has lost is stored again") {
    Table table;
    auto rows = many_rows(20'000, 200);
    table.back_up(rows);
    rows.begin()->second += "!";
    table.back_up(rows);
    // All packs but the newest are gone.
    auto packs = std::vector<fs::path>();
    for (const auto& entry : fs::recursive_directory_iterator(table.path("vault") / "packs"))
        if (entry.is_regular_file() && entry.file_size() > 100'000)
            packs.push_back(entry.path());
    REQUIRE(packs.size() == 1);
    fs::remove(packs.front());
    REQUIRE(table.open().find(rows.rbegin()->first).error().kind == Kind::corrupt);
    table.back_up(rows);
    REQUIRE(table.changed == rows.size());
    REQUIRE(rows_of(table.open()) == rows);
}

TEST_CASE("several tables are written at once into one backup") {
    Table table;
    constexpr std::size_t tables = 6;
    std::vector<Rows> rows;
    for (std::size_t i = 0; i < tables; ++i)
        rows.push_back(many_rows(6'000, 100, i / 2)); // two and two are the same
    std::vector<std::optional<vault::Tree>> folders(tables);
    for (int day = 0; day < 3; ++day) {
        auto into = must(table.vault->begin_backup());
        std::vector<std::thread> threads;
        std::vector<std::optional<Error>> failed(tables);
        for (std::size_t i = 0; i < tables; ++i)
            threads.emplace_back([&, i] {
                const auto write = [&]() -> Result<void> {
                    auto writer = TRY(
                        RowTreeWriter::begin(into, *table.vault,
                                             { .before = folders[i] ? &*folders[i] : nullptr,
                                               .state = table.path("state/" + std::to_string(i)) }));
                    for (const auto& [key, row] : rows[i])
                        TRY(writer.add(key, row));
                    folders[i] = TRY(writer.finish());
                    return {};
                };
                if (auto written = write(); !written.ok())
                    failed[i] = written.error();
            });
        for (auto& thread : threads)
            thread.join();
        for (const auto& error : failed)
            REQUIRE_FALSE(error);
        vault::Tree all;
        for (std::size_t i = 0; i < tables; ++i)
            all.push_back({ .name = std::to_string(i),
                            .type = vault::EntryType::folder,
                            .tree = must(into.store_tree(*folders[i])) });
        table.finish(into, all);
        std::vector<std::thread> readers;
        std::vector<Rows> back(tables);
        for (std::size_t i = 0; i < tables; ++i)
            readers.emplace_back([&, i] { back[i] = rows_of(table.open(*folders[i])); });
        for (auto& reader : readers)
            reader.join();
        REQUIRE(back == rows);
        for (auto& one : rows)
            change_some(one, 0.02, static_cast<std::uint64_t>(day));
    }
    const auto report = must(table.vault->check(vault::CheckDepth::read_data, table.cancel));
    REQUIRE(report.damage.empty());
}

TEST_CASE("a table is parted into about equal parts by its keys") {
    Table table;
    const auto rows = many_rows(30'000, 200);
    table.back_up(rows);
    const auto keys = must(table.open().parting_keys(4));
    REQUIRE(keys.size() == 3);
    REQUIRE(std::ranges::is_sorted(keys));
    for (std::size_t part = 0; part < 4; ++part) {
        const auto begin = part == 0 ? rows.begin() : rows.lower_bound(keys[part - 1]);
        const auto end = part == 3 ? rows.end() : rows.lower_bound(keys[part]);
        REQUIRE(std::distance(begin, end) > 4'000);
    }
    REQUIRE(must(table.open().parting_keys(1)).empty());
}
