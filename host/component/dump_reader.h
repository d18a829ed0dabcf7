// A SQL dump of mariadb-dump or mysqldump, understood: what makes its tables and rows is handed on as
// statements that can do nothing else, what acts by itself (views, triggers, routines, events) is kept
// as definitions and never handed on, and anything that no dump contains is refused. The text is a
// stranger's.
#pragma once

#include "component/dump_settings.h"
#include "component/dump_text.h"
#include "component/mariadb_schema.h"
#include "component/notes.h"

#include <map>
#include <set>

namespace respawn::component {

struct DumpWanted {
    std::string database = {}; // of a dump of several; empty: the only one
    bool without_end = false;  // a dump that has no mark at its end counts as whole
    DumpDialect dialect = {};
    std::size_t longest = 16 << 20; // of a value and of a statement
};

// One to run, alone, in an empty database.
struct DumpStatement {
    std::string sql;
    std::string task, subject; // "make the table", "players"
    std::uint64_t line = 1;
    std::uint64_t rows = 0; // that it inserts
    // In which it is to be understood; backslashes escape and double quotes quote texts.
    std::string charset, time_zone;
};

struct DumpContent {
    std::string database;           // as the dump calls it; empty where it does not
    std::string charset, collation; // of the database; empty where it does not say
    std::string made_by, made_at;   // "MariaDB dump 10.19 …", "2026-11-22  2:13:05"
    std::vector<ServerObject> objects;
    std::map<std::string, std::uint64_t> rows; // of each table
    Notes notes;
};

class DumpReader {
  public:
    using Run = std::function<Result<void>(const DumpStatement&)>;
    DumpReader(io::Source& from, DumpWanted wanted, Run run);
    // Kind::denied for what no dump contains, Kind::corrupt for a text that is cut short; each says in
    // which line.
    Result<DumpContent> read();

  private:
    struct Handler {
        std::string_view first, second; // words; no second: any
        Result<void> (DumpReader::*take)();
    };
    struct Rows {
        std::string head; // "insert into `players` (`id`) values "
        std::string table, tuples;
        std::uint64_t count = 0, line = 1;
    };
    using TakeQualifier = std::function<void(std::size_t at, std::size_t size)>;

    Result<void> statement();
    Result<void> take_set();
    Result<void> assign(const std::string& variable);
    Result<void> in_this_line(Result<void> done) const;
    Result<std::string> assigned();
    Result<void> take_names();
    Result<void> take_use();
    Result<void> take_create();
    Result<void> take_defaults();
    Result<void> create_table();
    Result<void> create_sequence();
    Result<void> create_object(const std::string& kind);
    Result<void> must_be_of(const std::string& kind, ServerObject& object);
    void forget(const std::string& kind, const std::string& name);
    Result<void> take_drop();
    Result<void> take_alter();
    Result<void> take_insert();
    Result<void> take_sequence_value();
    Result<void> take_nothing();
    Result<void> take_unheeded();
    Result<void> pass_definer();
    Result<std::string> kind_of_object();

    Result<void> go_on() { // to the next token
        token_ = TRY(text_.next());
        return {};
    }
    Result<void> pass_one(); // which must not be the statement's end
    Result<bool> skip(std::string_view word);
    Result<void> must(std::string_view word);
    Result<void> must_end();
    Result<void> pass_statement();
    Result<std::string> name();     // as written, without quotes
    Result<std::string> own_name(); // without the name of the dump's own database before it
    Result<void> must_be_own(const std::string& database);
    Result<void> must_be_plain() const;
    Result<void> columns_and_options(const std::string& table, const TakeQualifier& take);
    Result<void> name_with_qualifier(const TakeQualifier& take);
    Result<void> engine(const std::string& of);
    Result<void> take_head_of_rows();
    Result<void> take_tuple();
    Result<void> take_literal();
    Result<void> flush(); // the rows that were not handed on yet
    Result<void> run(DumpStatement statement);
    Result<std::string> as_utf8(const std::string& text, std::string_view what) const;
    void take_comment(std::string_view line);
    Result<void> must_be_whole();
    Result<void> settle_database();
    Error refused(std::string_view what);
    Error refused(); // the word at hand

    DumpText text_;
    const DumpWanted wanted_;
    const Run run_;
    const DumpToken* token_ = nullptr;
    DumpSettings settings_;
    DumpContent content_;
    Rows rows_;
    std::string first_word_, tuple_;

    std::string here_; // the database that statements are of; empty where none was named
    bool is_wanted_ = true;
    std::set<std::string> databases_;
    std::map<std::string, std::pair<std::string, std::string>> defaults_; // of each database
    static constexpr std::size_t most_names = 10'000;
    std::size_t bytes_of_objects_ = 0, names_ = 0;

    bool open_ = false, has_end_ = false;               // by its comments
    bool saved_notes_ = false, restored_notes_ = false; // by what it sets
    std::uint64_t first_line_ = 1;
    std::optional<Error> comment_fault_;
};

} // namespace respawn::component
