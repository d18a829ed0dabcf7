#include "component/dump_reader.h"
#include "io/piecewise.h"

#include <catch2/catch.hpp>

using namespace respawn;
using component::DumpContent;
using component::DumpReader;
using component::DumpStatement;
using component::DumpWanted;

namespace {

struct Understood {
    std::vector<DumpStatement> run;
    std::optional<DumpContent> content;
    std::string why;
    Kind kind = Kind::internal;
    std::vector<std::string> sql() const {
        std::vector<std::string> all;
        for (const auto& statement : run)
            all.push_back(statement.sql);
        return all;
    }
};

Understood understood(std::string_view text, DumpWanted wanted = { .without_end = true },
                      std::size_t step = SIZE_MAX) {
    Understood found;
    testing::Piecewise source(text, step);
    DumpReader reader(source, std::move(wanted), [&](const DumpStatement& statement) {
        found.run.push_back(statement);
        return Result<void>();
    });
    auto content = reader.read();
    if (content.ok()) {
        found.content = std::move(content).value();
    } else {
        found.why = content.error().why;
        found.kind = content.error().kind;
    }
    return found;
}

constexpr std::string_view whole_dump = R"(-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB
--
-- Host: localhost    Database: game
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;
DROP TABLE IF EXISTS `players`;
CREATE TABLE `players` (
  `id` bigint(20) NOT NULL DEFAULT nextval(`game`.`sq`),
  `name` varchar(20) DEFAULT 'a;b' COMMENT 'it''s -- no /* comment'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
LOCK TABLES `players` WRITE;
INSERT INTO `players` VALUES (1,'semi;colon'),
(-2.5e-3,NULL),(0x00ff,'quo\'te "x" `y` \\');
INSERT INTO `players` VALUES (b'101',_binary 'x\0'),(x'ff',_latin1 x'e9');
UNLOCK TABLES;
DELIMITER ;;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 trigger tr before update on players for each row begin
  /* a comment; */ set new.name = ';;';
end */;;
DELIMITER ;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `v` AS select 1 AS `a` */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;
-- Dump completed on 2026-11-22  2:13:05
)";

} // namespace

TEST_CASE("of a dump tables and rows are handed on, and what acts by itself is only told", "[dump]") {
    for (const std::size_t step : { SIZE_MAX, std::size_t{ 1 }, std::size_t{ 7 } }) {
        const auto found = understood(whole_dump, {}, step);
        REQUIRE(found.why == "");
        REQUIRE(found.run.size() == 3);
        CHECK(found.run[0].sql == "drop table if exists `players`");
        CHECK(found.run[1].sql ==
              "create table `players` (\n"
              "  `id` bigint(20) NOT NULL DEFAULT nextval(`sq`),\n"
              "  `name` varchar(20) DEFAULT 'a;b' COMMENT 'it''s -- no /* comment'\n"
              ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
        CHECK(
            found.run[2].sql ==
            "insert into `players` values (1,'semi;colon'),(-2.5e-3,NULL),(0x00ff,'quo\\'te \"x\" `y` "
            "\\\\'),(b'101',_binary 'x\\0'),(x'ff',_latin1 x'e9')");
        CHECK(found.run[2].rows == 5);
        CHECK(found.run[2].line == 14);
        CHECK(found.run[2].charset == "utf8mb4");
        CHECK(found.run[2].time_zone == "+00:00");

        CHECK(found.content->database == "game");
        CHECK(found.content->made_at == "2026-11-22  2:13:05");
        CHECK(found.content->rows == std::map<std::string, std::uint64_t>{ { "players", 5 } });
        REQUIRE(found.content->objects.size() == 2);
        const auto& trigger = found.content->objects[0];
        CHECK(trigger.kind == "trigger");
        CHECK(trigger.name == "tr");
        CHECK(trigger.table == "players");
        CHECK(trigger.sql_mode == "STRICT_TRANS_TABLES");
        CHECK(
            trigger.create ==
            "CREATE DEFINER=`root`@`localhost` trigger tr before update on players for each row begin\n"
            "  /* a comment; */ set new.name = ';;';\nend");
        CHECK(found.content->objects[1].create ==
              "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` "
              "SQL SECURITY DEFINER VIEW `v` AS select 1 AS `a`");
    }
}

TEST_CASE("a dump that is cut off anywhere is never taken for whole", "[dump]") {
    const auto last_line =
        whole_dump.find("-- Dump completed") + std::string_view("-- Dump completed").size();
    for (std::size_t size = 1; size < last_line; ++size) {
        const auto found = understood(whole_dump.substr(0, size), {});
        INFO("of " << size << " bytes: " << found.why);
        CHECK(!found.content);
        CHECK(found.kind == Kind::corrupt);
    }
    std::string two(whole_dump.substr(0, whole_dump.find("LOCK TABLES")));
    two += whole_dump;
    CHECK(understood(two, {}).why.find("cut short") != std::string::npos);
}

TEST_CASE("lines may end as on Windows, and the text begin with a mark", "[dump]") {
    std::string text = "\xef\xbb\xbf";
    for (const char c : whole_dump)
        text += c == '\n' ? "\r\n" : std::string(1, c);
    const auto found = understood(text, {});
    REQUIRE(found.why == "");
    CHECK(found.run.size() == 3);
    CHECK(found.content->objects.size() == 2);
    CHECK(found.content->made_at == "2026-11-22  2:13:05");
}

TEST_CASE("without comments a dump's end is told from what it sets back", "[dump]") {
    const std::string begin = "SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0;\ncreate table t (a int);\n";
    CHECK(!understood(begin, {}).content);
    CHECK(understood(begin + "SET SQL_NOTES=@OLD_SQL_NOTES;\n", {}).content);
    CHECK(!understood("create table t (a int);\n", {}).content);
    CHECK(understood("create table t (a int);\n").content);
    CHECK(!understood("create table t (a int)\n").content);
}

TEST_CASE("comments that run are read for the server's kind and version", "[dump]") {
    const std::string text =
        "create table t (a int /*!80023 INVISIBLE */ /*!100500 x */ /*M!110000 y */ "
        "/*! z */ /* plain */);";
    const auto made_by = [&](component::DumpDialect dialect) {
        return understood(text, { .without_end = true, .dialect = dialect }).sql().at(0);
    };
    CHECK(made_by({ true, 101106 }) == "create table `t` (a int x z             )");
    CHECK(made_by({ true, 110402 }) == "create table `t` (a int x y z             )");
    CHECK(made_by({ false, 80036 }) == "create table `t` (a int INVISIBLE z             )");
    CHECK(understood(text).content->notes.lines() ==
          std::vector<std::string>{
              "table t: this server does not know \"INVISIBLE\": it was left out" });
    CHECK(understood("/*!99999 drop table x */; /*M!999999\\- sandbox */ /*!50001 drop table y */;")
              .sql() == std::vector<std::string>{ "drop table if exists `y`" });
}

TEST_CASE("many rows go to the server in pieces, and each is counted", "[dump]") {
    std::string text = "insert into t values ";
    for (int i = 0; i < 3000; ++i)
        text += (i > 0 ? "," : "") + ("('" + std::string(1000, 'x')) + "')";
    const auto found =
        understood(text + ";insert into t values ('y');insert into u (a,`b`) values (1,2);");
    REQUIRE(found.content);
    CHECK(found.content->rows == std::map<std::string, std::uint64_t>{ { "t", 3001 }, { "u", 1 } });
    REQUIRE(found.run.size() == 4);
    for (const auto& statement : found.run)
        CHECK(statement.sql.size() <= (1 << 20) + 100);
    CHECK(found.run[3].sql == "insert into `u` (`a`,`b`) values (1,2)");
    CHECK(understood("insert into t values ('" + std::string(5000, 'x') + "');",
                     { .without_end = true, .longest = 4000 })
              .kind == Kind::denied);
}

TEST_CASE("what no dump contains is refused with its line and handed to nobody", "[dump]") {
    const auto text = GENERATE(
        as<std::string>(), "grant all on *.* to x;", "insert into other.t values (1);",
        "insert into t select 1;", "insert into t values (now());", "insert into t values (1 + 1);",
        "insert into t values ('a' 'b');", "insert into t values (x'zz');",
        "insert into t values (_x 1);", "insert into t values (--1);", "insert into t set a = 1;",
        "insert into t values (1) returning a;", "create table t select 1;",
        "create table t (a int) as select 1;", "create table t (like u);",
        "create table t (a int references other.u (a));",
        "create table t (a int references `other` /* */ . `u` (a));",
        "create table t (a int default (load_file('x')));", "create table t (a int default (@x));",
        "create table t (a int default (@`x`));", "create table t (a int) engine=connect;",
        "create table t (a int) engine 'x';", "create table t (a int) index directory='/';",
        "create temporary table t (a int);", "create function f returns int soname 'x';",
        "create user x;", "create index i on t (a);", "create trigger a before insert on other.t x;",
        "create view other.v as select 1;", "drop table a, b;", "drop user x;",
        "alter table t add a int;", "set global x = 1;", "set @@global.sql_mode = '';",
        "set names sjis;", "set x = 1;", "set sql_mode = concat('a');", "do sleep(1);",
        "select setval(a, sleep(1), 0);", "select 1;", "call x();", "begin not atomic x;",
        "use a; use b;", "system x", "\\! x", "load data infile 'x' into table t;");
    const auto found = understood("-- Host: localhost    Database: game\n" + text + "\n-- x\n");
    INFO(text);
    CHECK(!found.content);
    CHECK(found.run.empty());
    CHECK((found.kind == Kind::denied || found.kind == Kind::usage));
    CHECK((found.kind == Kind::usage || found.why.find("line 2") != std::string::npos));
}

TEST_CASE("of several databases one is taken, with what is said of it", "[dump]") {
    const std::string text =
        "create database a character set latin1;use a;create table t (x int);insert into t values (1);"
        "create database b /*!40100 default character set utf8mb4 collate utf8mb4_bin */;use b;"
        "create table t (y int);create view v as select 1;create trigger r after insert on b.t f;"
        "alter database b character set ascii collate ascii_bin;";
    const auto found = understood(text, { .database = "b", .without_end = true });
    REQUIRE(found.content);
    CHECK(found.sql() ==
          std::vector<std::string>{ "alter database character set utf8mb4 collate utf8mb4_bin",
                                    "create table `t` (y int)" });
    CHECK(found.content->database == "b");
    CHECK(found.content->collation == "ascii_bin");
    CHECK(found.content->objects.size() == 2);
    CHECK(understood(text, { .database = "c", .without_end = true }).kind == Kind::missing);
}

TEST_CASE("definitions are kept in UTF-8, in the settings that the dump makes around them", "[dump]") {
    const auto found = understood("set names latin1;set time_zone='+02:00';delimiter //\n"
                                  "create event e on schedule every 1 day do select '\xe9;'//\n"
                                  "set sql_mode='NO_BACKSLASH_ESCAPES'//\n"
                                  "create function f() returns text return '\\'//\n"
                                  "create function f() returns text return 'x\\'//\ndelimiter ;\n"
                                  "set sql_mode='';drop event if exists g;");
    REQUIRE(found.why == "");
    REQUIRE(found.content->objects.size() == 2);
    CHECK(found.content->objects[0].create ==
          "create event e on schedule every 1 day do select '\xc3\xa9;'");
    CHECK(found.content->objects[0].client_charset == "latin1");
    CHECK(found.content->objects[0].time_zone == "+02:00");
    CHECK(found.content->objects[1].create == "create function f() returns text return 'x\\'");
    CHECK(found.run.empty());
}
