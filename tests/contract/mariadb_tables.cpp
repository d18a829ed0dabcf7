// Tables of a MariaDB backup give what the live driver gives.
#include "contract/database_rig.h"

#include "component/mariadb.h"
#include "component/snapshot_sql.h"
#include "component/snapshot_table.h"
#include "location/locations.h"

#include <fmt/format.h>

using namespace respawn;
using namespace respawn::testing;
using component::SnapshotTable;

namespace {

// Without the quotes that tell a text from a number.
std::string plain(const Value& value) { return value.text() ? *value.text() : to_text(value); }

struct Backups {
    Scene scene{ rig_of("mariadb") };
    Cancellation cancel;
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    std::unique_ptr<vault::Vault> vault = got(vault::Vault::create(
        got(location::open_location("file://" + (folder.path() / "vault").string())),
        crypto::Key::random(), folder.path() / "cache"));

    vault::ComponentRecord take() {
        const component::Work work{ .cancel = cancel, .state = folder.path() / "state" };
        auto writer = got(vault->begin_backup());
        auto record = got(component::open_mariadb(scene.settings)->back_up(writer, work));
        got(writer.finish({ .game = "g", .started = now(), .components = { record } }));
        return record;
    }
    std::unique_ptr<SnapshotTable> table(const vault::ComponentRecord& record, std::string_view name) {
        return got(component::open_table(*vault, record, name));
    }
    std::unique_ptr<SnapshotTable> live(const SnapshotTable& like) {
        return got(component::live_table(scene.settings, like.shape(), *scene.database, cancel));
    }
    std::string query(const std::vector<const vault::ComponentRecord*>& records, std::string_view sql) {
        auto opened = got(component::SnapshotSql::open(*vault, records));
        std::string text;
        const auto done = opened.query(sql, [&](const auto&, std::vector<Value> row) -> Result<void> {
            for (const auto& cell : row)
                text += (text.empty() || text.back() == ',' ? "" : " ") + plain(cell);
            text += ",";
            return {};
        });
        INFO(sql << (done.ok() ? "" : done.error().why));
        REQUIRE(done.ok());
        return text;
    }
};

std::string differences(SnapshotTable& before, SnapshotTable& after, const std::string& name = "id") {
    std::string found;
    const auto done =
        component::compare_tables(before, after, [&](const auto& was, const auto& is) -> Result<void> {
            found += (was.empty()  ? "+"
                      : is.empty() ? "-"
                                   : "M") +
                     plain((was.empty() ? is : was).at(name)) + " ";
            return {};
        });
    INFO((done.ok() ? "" : done.error().why));
    REQUIRE(done.ok());
    return found;
}

// A column of each kind, with values at its ends.
struct Column {
    std::string type;
    std::vector<std::string> values; // as SQL
};
const std::vector<Column> columns = {
    { "tinyint", { "-128", "127" } },
    { "bigint", { "-9223372036854775808", "9223372036854775807" } },
    { "bigint unsigned", { "0", "18446744073709551615" } },
    { "int zerofill", { "7", "4294967295" } },
    { "year", { "0", "2026" } },
    { "decimal(10,2)", { "-0.50", "12345678.90" } },
    { "decimal(65,30)", { "0.000000000000000000000000000001", "12345678901234567890123456789012345" } },
    { "decimal(5,1) zerofill", { "1.5", "0" } },
    { "float", { "0.1", "-3.4e38" } },
    { "float(7,3)", { "1.0625", "-0.001" } },
    { "double", { "0.1", "1.7976931348623157e308" } },
    { "double", { "-0.0", "5e-324" } },
    { "double(10,2)", { "1.25", "-7" } },
    { "bit(1)", { "b'0'", "b'1'" } },
    { "bit(64)", { "b'1'", "18446744073709551615" } },
    { "date", { "'0000-00-00'", "'9999-12-31'" } },
    { "date", { "'2026-00-00'", "'1000-01-01'" } },
    { "time", { "'-838:59:59'", "'00:00:00'" } },
    { "time(3)", { "'-00:00:00.5'", "'838:59:58.999'" } },
    { "datetime", { "'0000-00-00 00:00:00'", "'2026-11-22 01:02:03'" } },
    { "datetime(6)", { "'2026-11-22 01:02:03.000004'", "'2026-11-22'" } },
    { "datetime(1)", { "'2026-11-22 01:02:03.4'", "'0000-00-00'" } },
    { "timestamp null", { "'2026-11-22 01:02:03'", "null" } },
    { "timestamp(4) null", { "'2026-07-22 01:02:03.0001'", "'0000-00-00'" } },
    { "char(5)", { "'a  '", "''" } },
    { "varchar(20)", { "'b  '", "'ÄÖ 漢字 😀'" } },
    { "varchar(20) character set latin1", { "'Ä€'", "_latin1 x'81'" } },
    { "varchar(20) character set latin2", { "'ĄŁ'", "'x'" } },
    { "varchar(20) character set cp1251", { "'Жя'", "'x'" } },
    { "varchar(20) character set koi8r", { "'Жя'", "'x'" } },
    { "varchar(20) character set greek", { "'αΩ'", "'x'" } },
    { "varchar(20) character set cp932", { "'日本'", "'a'" } },
    { "varchar(20) character set ujis", { "'日本'", "'a'" } },
    { "varchar(20) character set gbk", { "'漢字'", "'a'" } },
    { "varchar(20) character set big5", { "'漢字'", "'a'" } },
    { "varchar(20) character set euckr", { "'한국'", "'a'" } },
    { "varchar(20) character set ucs2", { "'ÄЖ漢'", "'a'" } },
    { "varchar(20) character set utf16", { "'Ä😀'", "'a'" } },
    { "varchar(20) character set utf16le", { "'Ä😀'", "'a'" } },
    { "varchar(20) character set utf32", { "'Ä😀'", "'a'" } },
    { "varchar(20) character set ascii", { "'a'", "''" } },
    { "varchar(20) character set utf8mb3", { "'Ä'", "''" } },
    { "tinytext character set latin1", { "'ß'", "''" } },
    { "longtext", { "'long 😀'", "''" } },
    { "json", { "'{\"a\": [1, \"😀\"]}'", "'null'" } },
    { "enum('ä','b') character set latin1", { "'ä'", "2" } },
    { "set('ä','b','c')", { "'ä,c'", "''" } },
    { "binary(4)", { "x'0001'", "'ab'" } },
    { "varbinary(9)", { "x'00ff27'", "''" } },
    { "blob", { "x'00ff0a5c'", "''" } },
    { "uuid", { "'123E4567-e89b-12d3-a456-426655440000'", "'00000000-0000-0000-0000-000000000000'" } },
    { "inet6", { "'2001:DB8::1'", "'::'" } },
    { "inet4", { "'10.0.0.1'", "'255.255.255.255'" } },
    { "point", { "st_geomfromtext('point(1 2)', 4326)", "null" } },
    { "geometry", { "st_geomfromtext('linestring(0 0,1 1)')", "null" } },
};

std::string table_of_all() {
    std::string definition, first, second, third;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        definition += fmt::format(", c{} {}", i, columns[i].type);
        first += ", " + columns[i].values[0];
        second += ", " + columns[i].values[1];
        third += columns[i].type.find("null") == std::string::npos ? ", default" : ", null";
    }
    return fmt::format("set sql_mode = ''; set names utf8mb4; set time_zone = '+02:00'; "
                       "create table kinds (id int primary key{}, hidden int invisible default 5, "
                       "twice int generated always as (id * 2) virtual); "
                       "insert into kinds values (1{}, default), (2{}, default), (3{}, default);",
                       definition, first, second, third);
}

} // namespace

TEST_CASE("a row of a MariaDB backup has the values that the live driver gives, of every type") {
    Backups backups;
    backups.scene.game(table_of_all());
    const auto table = backups.table(backups.take(), "kinds");
    for (const int id : { 1, 2, 3 }) {
        const auto then = got(table->find({ { "id", id } }));
        const auto now = got(backups.scene.database->rows_with("kinds", { { "id", id } }, 2));
        REQUIRE(then.size() == 1);
        REQUIRE(now.size() == 1);
        CHECK(then[0].at("hidden") == Value(5));
        CHECK_FALSE(then[0].contains("twice"));
        for (const auto& [column, value] : then[0]) {
            const bool numbered = column.starts_with("c");
            INFO(column << " "
                        << (numbered ? columns[std::stoul(column.substr(1))].type : std::string())
                        << ": " << to_json(value) << " then, " << to_json(now[0].at(column)) << " now");
            CHECK(value == now[0].at(column));
            // By what it is, it is found; and by what a person would type.
            if (value.is_null())
                continue;
            CHECK(got(table->find({ { "id", id }, { column, value } })).size() == 1);
            if (!value.blob())
                CHECK(got(table->find({ { "id", id }, { column, plain(value) } })).size() == 1);
        }
    }
}

TEST_CASE("a row of a MariaDB backup can be written where it was, of every type") {
    Backups backups;
    backups.scene.game(table_of_all());
    const auto table = backups.table(backups.take(), "kinds");
    backups.scene.game("delete from kinds where id <= 2; update kinds set hidden = 9");
    std::vector<Change> changes;
    for (const int id : { 1, 2 })
        changes.push_back(insert("kinds", got(table->find({ { "id", id } })).at(0)));
    auto third = got(table->find({ { "id", 3 } })).at(0);
    third.erase("id");
    changes.push_back(update("kinds", { { "id", 3 } }, third));
    REQUIRE(differences(*table, *backups.live(*table)) == "-1 -2 M3 ");
    got(backups.scene.write(changes));
    REQUIRE(differences(*table, *backups.live(*table)).empty()); // by the bytes that the server keeps
}

TEST_CASE("a row of a MariaDB backup is found by any key, as the column compares") {
    Backups backups;
    backups.scene.game(
        "create table p (a int unsigned, b varchar(20) character set latin1, mail varchar(40) unique, "
        "exact varchar(9) collate utf8mb4_bin unique, price decimal(10,2), at datetime(3) unique, "
        "primary key (a, b)); insert into p values (1, 'Ä', 'Ada@x', 'Q', 1.5, '2026-01-01'), "
        "(1, 'b', 'lin@x', 'q', 1.5, null), (2, 'Z', null, null, null, null);");
    const auto table = backups.table(backups.take(), "p");
    const auto found = [&](const Value::Map& key) {
        std::string text;
        for (const auto& row : got(table->find(key)))
            text += plain(row.at("a")) + plain(row.at("b")) + " ";
        return text;
    };
    CHECK(found({ { "a", 1 }, { "b", "Ä" } }) == "1Ä ");
    CHECK(found({ { "a", "2" }, { "b", "z " } }) == "2Z ");
    CHECK(found({ { "a", 1 }, { "b", "漢" } }).empty());
    CHECK(found({ { "a", "x" }, { "b", "Ä" } }).empty());
    CHECK(found({ { "a", -1 } }).empty());
    CHECK(found({ { "a", 2 } }) == "2Z ");
    CHECK(found({ { "a", 1 } }) == "1b 1Ä ");
    CHECK(found({ { "mail", "ADA@X" } }) == "1Ä ");
    CHECK(found({ { "mail", "ADA@X" }, { "a", 2 } }).empty());
    CHECK(found({ { "exact", "q" } }) == "1b ");
    CHECK(found({ { "exact", "Q" } }) == "1Ä ");
    CHECK(found({ { "at", "2026-01-01T00:00:00Z" } }) == "1Ä ");
    CHECK(found({ { "price", "1.500" } }) == "1b 1Ä ");
    CHECK(found({ { "price", "1.501" } }).empty());
    CHECK(found({ { "mail", nullptr } }) == "2Z ");
    CHECK(table->find({ { "male", 1 } }).error().kind == Kind::usage);
    CHECK(component::open_table(*backups.vault, backups.take(), "q").error().kind == Kind::missing);
}

TEST_CASE(
    "MariaDB backups are compared with each other and with the live table, also by keys of text") {
    Backups backups;
    backups.scene.game("create table t (name varchar(20) character set latin1 primary key, g int); "
                       "create table n (id bigint unsigned primary key, g int); "
                       "insert into t select concat('p', seq), seq from seq_1_to_2000; "
                       "insert into t values ('Ä', 1), ('€', 1), ('é', 1); "
                       "insert into n select seq, seq from seq_1_to_2000; "
                       "insert into n values (18446744073709551615, 1), (9999999999999999999, 1); "
                       "create table bare (a int)");
    const auto first = backups.take();
    backups.scene.game("update t set g = 0 where name in ('p7', '€'); delete from t where name = 'p9'; "
                       "insert into t values ('ö', 1); update n set g = 0 where id in (5, "
                       "9999999999999999999); delete from n where id = 18446744073709551615");
    const auto second = backups.take();
    const auto before = backups.table(first, "t"), after = backups.table(second, "t");
    const std::string changed = "Mp7 -p9 M€ +ö ";
    CHECK(differences(*before, *after, "name") == changed);
    CHECK(differences(*before, *backups.live(*before), "name") == changed);
    const auto n_before = backups.table(first, "n"), n_after = backups.table(second, "n");
    CHECK(differences(*n_before, *n_after) == "M5 M9999999999999999999 -18446744073709551615 ");
    CHECK(differences(*n_before, *backups.live(*n_before)) ==
          "M5 M9999999999999999999 -18446744073709551615 ");
    CHECK(differences(*n_after, *backups.live(*n_after)).empty());

    // Another definition: row by row, over what both have.
    backups.scene.game("alter table n add column since int default 3, modify id bigint unsigned");
    const auto third = backups.take();
    const auto n_third = backups.table(third, "n");
    std::size_t rows = 0, moved = 0;
    got(component::compare_tables(
        *n_after, *n_third, [&](const auto& was, const auto& is) -> Result<void> {
            ++rows;
            moved += was.at("g") == is.at("g") && is.at("since") == Value(3) ? 0 : 1;
            return {};
        }));
    CHECK(rows == 2001);
    CHECK(moved == 0);
    backups.scene.game("alter table n drop primary key, add primary key (g, id)");
    const auto refused = component::compare_tables(
        *n_after, *backups.live(*n_after), [](const auto&, const auto&) { return Result<void>(); });
    CHECK(refused.error().kind == Kind::unsupported);
    const auto bare = backups.table(third, "bare");
    CHECK(bare->rows_behind({}, 5).error().kind == Kind::unsupported);
}

TEST_CASE("SQL over MariaDB backups looks rows up by their keys, and is exact") {
    Backups backups;
    backups.scene.game(
        "create table accounts (id bigint unsigned primary key, mail varchar(40) unique, "
        "gold decimal(30,2)); create table moves (account bigint unsigned, slot int, at datetime, "
        "primary key (account, slot)); "
        "insert into accounts select seq, concat('P', seq), seq / 100 from seq_1_to_3000; "
        "insert into accounts values (18446744073709551615, 'top', 12345678901234567890.01); "
        "insert into moves select seq, 1, '2026-01-01' from seq_1_to_3000;");
    const auto first = backups.take();
    backups.scene.game("update accounts set gold = gold + 1 where id = 7");
    const auto second = backups.take();
    CHECK(backups.query({ &first }, "select gold from accounts where id = 18446744073709551615") ==
          "12345678901234567890.01,");
    CHECK(backups.query({ &first }, "select id from accounts where mail = 'P12'") == "12,");
    CHECK(backups.query({ &first }, "select id from accounts where mail = 'p12'").empty());
    CHECK(backups.query({ &first }, "select id from accounts where mail = 'nobody'").empty());
    CHECK(backups.query({ &first }, "select sum(gold) from accounts where id > 2998 and id < 3001") ==
          "59.99,");
    CHECK(backups.query({ &first }, "select sum(gold) from accounts") == "12345678901234612905.01,");
    CHECK(backups.query({ &first }, "select a.mail, m.slot from moves m join accounts a on a.id = "
                                    "m.account where m.account in (5, 3000) order by m.account") ==
          "P5 1,P3000 1,");
    CHECK(
        backups.query({ &first, &second },
                      "select a.id, b.gold - a.gold from a.accounts a join b.accounts b on b.id = a.id "
                      "where a.gold <> b.gold") == "7 1.00,");
}
