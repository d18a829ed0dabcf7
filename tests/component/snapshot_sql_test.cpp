#include "component/snapshot_sql.h"

#include "component/sqlite.h"
#include "rig.h"

using namespace rig;
using component::Holds;
using component::SnapshotSql;
using component::SnapshotTable;
using component::SqlSchema;
using component::TableShape;

namespace {

// A table in memory that counts what is asked of it.
struct Asked {
    std::size_t finds = 0, rows = 0;
};

class FakeTable final : public SnapshotTable {
  public:
    FakeTable(TableShape shape, std::vector<Value::Map> rows, Asked& asked)
        : shape_(std::move(shape)), rows_(std::move(rows)), asked_(asked) {}
    const TableShape& shape() const override { return shape_; }
    Result<std::vector<Value::Map>> find(const Value::Map& key) override {
        ++asked_.finds;
        std::vector<Value::Map> found;
        for (const auto& row : rows_)
            if (component::compare_keys(shape_.key, row, key) == 0)
                found.push_back(row);
        return found;
    }
    Result<std::vector<Value::Map>> rows_behind(const Value::Map& key, std::size_t most) override {
        std::vector<Value::Map> found;
        for (const auto& row : rows_)
            if (found.size() < most &&
                (key.empty() || component::compare_keys(shape_.key, row, key) > 0))
                found.push_back(row);
        asked_.rows += found.size();
        return found;
    }

  private:
    TableShape shape_;
    std::vector<Value::Map> rows_;
    Asked& asked_;
};

// accounts(id, name, balance DECIMAL, points BIGINT UNSIGNED, weight DOUBLE)
struct Accounts {
    Asked asked;
    std::vector<Value::Map> rows;

    void add(int id, const char* name, Value balance, Value points = 0, double weight = 0.5) {
        rows.push_back({ { "id", id },
                         { "name", name },
                         { "balance", std::move(balance) },
                         { "points", std::move(points) },
                         { "weight", weight } });
    }
    SqlSchema schema(std::string name = "") {
        const TableShape shape{ .name = "accounts",
                                .columns = { "id", "name", "balance", "points", "weight" },
                                .key = { "id" },
                                .holds = { { "id", Holds::whole },
                                           { "name", Holds::text },
                                           { "balance", Holds::exact },
                                           { "points", Holds::large },
                                           { "weight", Holds::real } } };
        return { std::move(name), { { shape, [this, shape] {
                                         return Result<std::unique_ptr<SnapshotTable>>(
                                             std::make_unique<FakeTable>(shape, rows, asked));
                                     } } } };
    }
};

Result<std::string> ask(SnapshotSql& sql, std::string_view text) {
    std::string answer;
    TRY(sql.query(text, [&](const auto&, std::vector<Value> row) -> Result<void> {
        for (const auto& value : row)
            answer += (answer.empty() || answer.back() == '|' ? "" : " ") + to_text(value);
        answer += "|";
        return {};
    }));
    return answer;
}

struct Bank : Accounts {
    Bank() {
        add(1, "ada", "0.10", 5);
        add(2, "lin", "0.20", "18446744073709551615");
        add(3, "mo", "-12.50", "9223372036854775808");
        add(4, "none", nullptr, 10);
        add(5, "rich", "99999999999999999999999999999999999999", 2);
    }
    SnapshotSql sql = must(SnapshotSql::over({ schema() }));
    std::string operator()(std::string_view text) {
        INFO(text);
        return must(ask(sql, text));
    }
    Error error(std::string_view text) {
        INFO(text);
        auto done = ask(sql, text);
        if (done.ok())
            FAIL("answered: " << done.value());
        return done.error();
    }
};

} // namespace

TEST_CASE("SQL over exact numbers computes exactly") {
    Bank bank;
    CHECK(bank("select balance + 0.2 from accounts where id = 1") == "'0.30'|");
    CHECK(bank("select sum(balance) from accounts where id <= 2") == "'0.30'|");
    CHECK(bank("select sum(points) from accounts where id in (2, 3)") == "'27670116110564327423'|");
    CHECK(bank("select points + 1 from accounts where id = 2") == "'18446744073709551616'|");
    CHECK(bank("select points - 1, -points from accounts where id = 3") ==
          "'9223372036854775807' '-9223372036854775808'|");
    CHECK(bank("select balance * balance from accounts where id = 1") == "'0.0100'|");
    CHECK(bank("select balance / 3, balance % 0.07 from accounts where id = 2") ==
          "'0.066667' '0.06'|");
    CHECK(bank("select balance / 0 from accounts where id = 2") == "null|");
    CHECK(bank("select avg(balance) from accounts where id < 3") == "'0.150000'|");
    CHECK(bank("select abs(balance), round(balance, 1), round(balance) from accounts where id = 3") ==
          "'12.50' '-12.5' '-13'|");
    CHECK(bank("select balance - 1 from accounts where id = 5") ==
          "'99999999999999999999999999999999999998'|");
    CHECK(bank("select sum(balance * 2 + points) from accounts where id = 1") == "'5.20'|");
    CHECK(bank("select total(balance), sum(balance) from accounts where id > 100") == "'0' null|");
    CHECK(bank("select -(balance), +balance, - -balance from accounts where id = 1") ==
          "'-0.10' '0.10' '0.10'|");
    CHECK(bank("select sum(balance) over (order by id rows between 1 preceding and current row) from "
               "accounts where id < 4") == "'0.10'|'0.30'|'-12.30'|");
}

TEST_CASE("SQL over exact numbers compares and orders by their values") {
    Bank bank;
    CHECK(bank("select id from accounts where balance = 0.1") == "1|");
    CHECK(bank("select id from accounts where balance > 0.1 order by id") == "2|5|");
    CHECK(bank("select id from accounts where 0.15 < balance order by balance desc") == "5|2|");
    CHECK(bank("select id from accounts where points = 18446744073709551615") == "2|");
    CHECK(bank("select id from accounts where points >= 9223372036854775808 order by points") ==
          "3|2|");
    CHECK(bank("select id from accounts where points > 5 order by points desc") == "2|3|4|");
    CHECK(bank("select id from accounts where balance in (0.100, '-12.5')") == "1|3|");
    CHECK(bank("select id from accounts where balance not in (0.1, 0.2) order by 1") == "3|5|");
    CHECK(bank("select id from accounts where balance between -13 and 0.15 order by id") == "1|3|");
    CHECK(bank("select id from accounts where id < 5 and balance * 10 = 1") == "1|");
    CHECK(bank("select id from accounts where balance + 0 in (0.1, 7)") == "1|");
    CHECK(bank("select id from accounts where balance is null or balance is 0.1 order by id") ==
          "1|4|");
    CHECK(bank("select id from accounts where not balance > points and id < 4 order by id") ==
          "1|2|3|");
    CHECK(bank("select max(points), min(points), max(balance) from accounts") ==
          "'18446744073709551615' '2' '99999999999999999999999999999999999999'|");
    CHECK(bank("select id from accounts order by coalesce(balance, 0), id") == "3|4|1|2|5|");
    CHECK(bank("select id from accounts where id < 5 order by -balance") == "4|2|1|3|");
    CHECK(bank("select case when id = 3 then 1 else balance end b from accounts where id < 4 order by "
               "b") == "'0.10'|'0.20'|'1'|");
    CHECK(bank("select count(*) from accounts where id < 3 group by balance * 0 having sum(balance) > "
               "0.29 "
               "and sum(balance) <= 0.3") == "2|");
    CHECK(bank("select name, sum(points) as p from accounts group by name having p > 100 order by p") ==
          "'mo' '9223372036854775808'|'lin' '18446744073709551615'|");
    CHECK(bank("with t(n, p) as (select name, points from accounts) select n from t where p > 1000 "
               "order by p desc limit 1 offset 1") == "'mo'|");
    CHECK(bank("select id from accounts where points = (select max(points) from accounts)") == "2|");
    CHECK(
        bank(
            "select (select points from accounts where id = a.id) p from accounts a where id < 5 order "
            "by 1") == "'5'|'10'|'9223372036854775808'|'18446744073709551615'|");
    CHECK(bank("with t as (select points p, id from accounts) select x.p from t as x, (select max(id) "
               "m from "
               "accounts) y where x.id = y.m - 1 and x.p > 9") == "'10'|");
    CHECK(bank("select a.id from accounts a join accounts b on a.points = b.points order by a.id") ==
          "1|2|3|4|5|");
    CHECK(bank("select id from accounts where points in (select points from accounts where id = 2)") ==
          "2|");
    CHECK(
        bank("select count(distinct points) from (select points from accounts union all select points "
             "from accounts)") == "5|");
}

TEST_CASE("what cannot be exact is refused, and says what to write instead") {
    Bank bank;
    for (const char* sql :
         { "select balance * weight from accounts", "select sum(balance) + avg(weight) from accounts",
           "select id from accounts where balance > id * 0.1",
           "select printf('%.2f', balance) from accounts", "select sqrt(points) from accounts",
           "select cast(points as integer) from accounts", "select points & 1 from accounts",
           "select balance * 2 from accounts where id = 5",
           "select sum(balance) from (select balance from accounts union all select balance from "
           "accounts)",
           "select 1 from accounts where (balance, id) = (1, 2)",
           "select id from accounts union select balance from accounts order by 1",
           "select sum(id) over (order by balance range between 1 preceding and current row) from "
           "accounts",
           "select 1 from accounts where id in (select points from accounts)" }) {
        const auto error = bank.error(sql);
        INFO(sql << ": " << error.why);
        CHECK((error.kind == Kind::unsupported || error.kind == Kind::usage));
    }
    CHECK(bank("select cast(balance as real) * weight from accounts where id = 2") == "0.1|");
    CHECK(bank.error("select printf('%d', points) from accounts").fix.find("cast") !=
          std::string::npos);
}

TEST_CASE("what touches no exact number stays SQLite's own, types and names included") {
    Bank bank;
    CHECK(bank("select id + 1, weight * 3, sum(id) + 1 from accounts where id = 1") == "2 1.5 2|");
    CHECK(bank("select id + 1, balance from accounts where id = 1") == "2 '0.10'|");
    std::vector<std::string> names;
    must(bank.sql.query(
        "select sum(balance), id % 2 as odd, \"weight\" from accounts where id < 5 group by 2",
        [&](const auto& columns, auto) -> Result<void> {
            names = columns;
            return {};
        }));
    CHECK(names == std::vector<std::string>{ "sum(balance)", "odd", "weight" });
    CHECK(bank.error("delete from accounts").kind == Kind::denied);
    CHECK(bank.error("select nothing from accounts").kind == Kind::usage);
    CHECK(bank.error("attach 'x' as y").kind == Kind::denied);
}

TEST_CASE("a key, a range of keys and their order are looked up, not searched for") {
    Accounts many;
    for (int id = 1; id <= 20000; ++id)
        many.add(id, "p", "1.00");
    auto sql = must(SnapshotSql::over({ many.schema() }));
    const auto rows_for = [&](std::string_view text, const std::string& answer) {
        many.asked = {};
        INFO(text);
        CHECK(must(ask(sql, text)) == answer);
        return many.asked.rows;
    };
    CHECK(rows_for("select name from accounts where id = 17", "'p'|") == 0);
    CHECK(many.asked.finds == 1);
    CHECK(rows_for("select id from accounts where id = '18'", "18|") == 0);
    CHECK(rows_for("select count(*) from accounts where id in (1, 2, 30000)", "2|") == 0);
    CHECK(many.asked.finds == 3);
    CHECK(rows_for("select id from accounts order by id limit 2", "1|2|") <= 1000);
    CHECK(rows_for("select count(*) from accounts where id < 10", "9|") <= 1000);
    CHECK(rows_for("select count(*) from accounts where id = null", "0|") == 0);
    CHECK(rows_for("select count(*) from accounts where id > 19990", "10|") <= 21000);
    CHECK(rows_for("select count(*) from accounts where id >= '19999' and id < 1e9", "2|") <= 21000);
    CHECK(rows_for("select count(*) from accounts where id between 4.5 and 7.5", "3|") <= 21000);
}

TEST_CASE("two backups stand beside each other") {
    Bank before, after;
    after.rows[0].at("balance") = "0.15";
    after.rows.pop_back();
    auto sql = must(SnapshotSql::over({ before.schema("a"), after.schema("b") }));
    CHECK(must(ask(sql,
                   "select b.id, b.balance - a.balance from a.accounts a join b.accounts b on a.id = "
                   "b.id where a.balance <> b.balance")) == "1 '0.05'|");
    CHECK(must(ask(sql, "select id from a.accounts where id not in (select id from b.accounts)")) ==
          "5|");
}

namespace {

// Random expressions beside what they are, counted in thousandths.
class Guesses {
  public:
    explicit Guesses(unsigned seed) : state_(seed) {}
    struct One {
        std::string sql;
        __int128 thousandths;
    };
    One next(int depth) {
        const auto kind = number(depth > 0 ? 9 : 5);
        const auto cents = [](std::int64_t hundredths) { return One{ "", hundredths * 10 }; };
        if (kind == 0)
            return { "balance", 250 }; // 0.25
        if (kind == 1)
            return { "points", 7000 };
        if (kind == 2)
            return { "decimal(a.id)", 3000 };
        if (kind == 3) {
            const auto value = number(9);
            return { std::to_string(value), value * 1000 };
        }
        if (kind == 4) {
            const auto value = number(100);
            return { "0." + std::string(value < 10 ? "0" : "") + std::to_string(value),
                     cents(value).thousandths };
        }
        auto left = next(depth - 1), right = next(depth - 1);
        if (kind == 5)
            return { left.sql + " + " + right.sql, left.thousandths + right.thousandths };
        if (kind == 6)
            return { "(" + left.sql + ") - (" + right.sql + ")", left.thousandths - right.thousandths };
        if (kind == 7)
            return { "-(" + left.sql + ")", -left.thousandths };
        return { "coalesce(null, " + left.sql + ", balance)", left.thousandths };
    }
    std::int64_t number(std::int64_t below) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(below));
    }

  private:
    std::uint64_t state_;
};

} // namespace

TEST_CASE("random sums of exact numbers, whole ones and those in the SQL are right to the last digit") {
    Accounts accounts;
    accounts.add(3, "ada", "0.25", 7);
    auto sql = must(SnapshotSql::over({ accounts.schema() }));
    Guesses guesses(4711);
    for (int i = 0; i < 400; ++i) {
        auto guess = guesses.next(4);
        if (guess.sql.size() > 2000)
            continue;
        const auto size = guess.thousandths < 0 ? -guess.thousandths : guess.thousandths;
        const auto digits = std::to_string(static_cast<std::int64_t>(size / 1000)) + "." +
                            std::to_string(static_cast<std::int64_t>(1000 + size % 1000)).substr(1);
        const auto text = (guess.thousandths < 0 ? "-" : "") + digits;
        const auto question = "select balance * 0 + " + guess.sql + " = " + text + ", (" + guess.sql +
                              ") * points > " + text + " * points - 0.001, " + guess.sql + " between " +
                              text + " and " + text + " from accounts a";
        INFO(question);
        CHECK(must(ask(sql, question)) == "1 1 1|");
    }
}

namespace {

struct Saves {
    Place place;
    io::Path path = place.path("game/saves.db");
    std::unique_ptr<Component> component = component::open_sqlite(
        { .name = "saves", .kind = "sqlite", .path = path }, std::chrono::milliseconds(50));
    Saves() { fs::create_directories(path.parent_path()); }
    void run(const std::string& sql) const { Game(path).run(sql); }
    vault::ComponentRecord back_up() { return place.back_up(*component); }
};

} // namespace

TEST_CASE("two SQLite backups are asked at once, each as it was") {
    const auto encoding = GENERATE(as<std::string>{}, "UTF-8", "UTF-16le");
    Saves saves;
    saves.run("PRAGMA encoding = '" + encoding +
              "'; PRAGMA journal_mode = wal; CREATE TABLE players(id "
              "INTEGER PRIMARY KEY, name TEXT, galleons INT); "
              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
              "INSERT INTO players SELECT i, 'p' || i, i FROM n");
    const auto first = saves.back_up();
    saves.run("UPDATE players SET galleons = galleons + 5 WHERE id IN (7, 8)");
    const auto second = saves.back_up();
    auto sql = must(SnapshotSql::open(*saves.place.vault, { &first, &second }));
    CHECK(
        must(ask(sql, "select b.name, b.galleons - a.galleons from a.players a join b.players b using "
                      "(id) where a.galleons <> b.galleons order by id")) == "'p7' 5|'p8' 5|");
    CHECK(ask(sql, "delete from a.players").error().kind == Kind::denied);
    CHECK(ask(sql, "create table b.t(x)").error().kind == Kind::denied);
}

TEST_CASE("a table of SQLite answers as a virtual table what it answers by itself") {
    Saves saves;
    saves.run(
        "CREATE TABLE players(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, galleons INT); "
        "CREATE TABLE seats(hall TEXT, seat INT, taken, PRIMARY KEY(hall, seat)) WITHOUT ROWID; "
        "CREATE TABLE bare(a, b REAL); INSERT INTO bare VALUES (x'00ff', 1.5), (NULL, 2), ('t', 3); "
        "WITH RECURSIVE n(i) AS (SELECT -50 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) "
        "INSERT INTO players SELECT i, 'p' || (i % 40), i % 7 FROM n; "
        "INSERT INTO seats SELECT name, id, galleons FROM players");
    const auto record = saves.back_up();
    auto own = must(SnapshotSql::open(*saves.place.vault, { &record }));
    auto tables =
        must(SnapshotSql::over({ must(component::schema_of(*saves.place.vault, record, "")) }));
    for (const char* text :
         { "select count(*), sum(galleons), min(id), max(name) from players",
           "select * from players where id = 17", "select * from players where id in (3, -4, 5000)",
           "select * from players where id between 5 and 9", "select id from players where id < -48.5",
           "select * from players order by id limit 5 offset 1002",
           "select * from players order by id desc limit 3",
           "select * from seats where hall = 'p3' and seat > 2900",
           "select * from seats where hall >= 'p38' and hall < 'p4' order by hall, seat limit 7",
           "select hall, count(*) from seats group by hall order by hall",
           "select * from bare order by b", "select typeof(a), a from bare where b >= 2",
           "select p.id, s.taken from players p join seats s on s.hall = p.name and s.seat = p.id "
           "where "
           "p.id > 2995" }) {
        INFO(text);
        CHECK(must(ask(tables, text)) == must(ask(own, text)));
    }
}

TEST_CASE("damage that a query meets in a table is its error") {
    Accounts accounts;
    auto schema = accounts.schema();
    schema.tables[0].open = [] {
        return Result<std::unique_ptr<SnapshotTable>>(
            Error{ .kind = Kind::corrupt, .why = "packs/8a is damaged" });
    };
    auto sql = must(SnapshotSql::over({ std::move(schema) }));
    const auto done = ask(sql, "select * from accounts");
    REQUIRE(done.error().kind == Kind::corrupt);
    REQUIRE(done.error().why == "packs/8a is damaged");
}
