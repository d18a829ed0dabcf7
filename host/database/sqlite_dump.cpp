#include "database/sqlite_dump.h"

#include "base/bytes.h"
#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <sqlite3.h>

namespace respawn::database {

namespace {

struct DumpPiece {
    std::string sql;   // written as it is
    std::string table; // or: the rows of this table
};

// Reals as the sqlite3 program writes them; infinity as a number too large for any.
std::string quoted_real(double value) {
    if (std::isinf(value))
        return value > 0 ? "1e999" : "-1e999";
    char text[64];
    sqlite3_snprintf(sizeof text, text, "%!.20g", value);
    return text;
}

// A text literal ends at a NUL: such a text is put together from its parts.
std::string quoted_text(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\0')
            quoted += "'||char(0)||'";
        else
            quoted.append(c == '\'' ? 2 : 1, c);
    }
    return quoted + "'";
}

std::string quoted_value(sqlite3_stmt* statement, int column) {
    const auto size = [&] { return static_cast<std::size_t>(sqlite3_column_bytes(statement, column)); };
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        return std::to_string(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
        return quoted_real(sqlite3_column_double(statement, column));
    case SQLITE_TEXT: {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        return quoted_text({ text, size() });
    }
    case SQLITE_BLOB: {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
        return "X'" + to_hex({ bytes ? bytes : "", size() }) + "'";
    }
    default:
        return "NULL";
    }
}

// Steps one table's rows as INSERT statements.
class RowCursor {
  public:
    static Result<std::unique_ptr<RowCursor>> open(SqliteConnection& connection,
                                                   const std::string& table) {
        std::string columns; // hidden and generated ones are not stored
        for (const auto& column :
             TRY(connection.rows("select name from pragma_table_info(?)", { table })))
            columns += (columns.empty() ? "" : ",") + quoted_name(*column.at("name").text());
        auto cursor = std::make_unique<RowCursor>();
        cursor->opening_ = fmt::format("INSERT INTO {}({}) VALUES(", quoted_name(table), columns);
        const auto sql = fmt::format("select {} from {}", columns, quoted_name(table));
        if (sqlite3_prepare_v2(connection.handle(), sql.c_str(), -1, &cursor->statement_, nullptr) !=
            SQLITE_OK)
            return connection.last_error();
        return cursor;
    }
    ~RowCursor() { sqlite3_finalize(statement_); }

    // Empty after the last row.
    Result<std::string> next(SqliteConnection& connection) {
        const int code = sqlite3_step(statement_);
        if (code == SQLITE_DONE)
            return std::string();
        if (code != SQLITE_ROW)
            return connection.last_error();
        std::string row = opening_;
        for (int i = 0; i < sqlite3_column_count(statement_); ++i)
            row += (i ? "," : "") + quoted_value(statement_, i);
        return row + ");\n";
    }

  private:
    sqlite3_stmt* statement_ = nullptr;
    std::string opening_;
};

class DumpSource final : public io::Source {
  public:
    DumpSource(SqliteConnection connection, std::deque<DumpPiece> pieces)
        : connection_(std::move(connection)), pieces_(std::move(pieces)) {}
    ~DumpSource() override { cursor_.reset(); }

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        while (used_ == text_.size())
            if (!TRY(refill()))
                return std::size_t{ 0 };
        const auto taken = std::min(size, text_.size() - used_);
        std::memcpy(buffer, text_.data() + used_, taken);
        used_ += taken;
        return taken;
    }

  private:
    // False when there is no more.
    Result<bool> refill() {
        used_ = 0;
        text_.clear();
        if (cursor_) {
            text_ = TRY(cursor_->next(connection_));
            if (text_.empty())
                cursor_.reset();
            return true;
        }
        if (pieces_.empty())
            return false;
        auto piece = std::move(pieces_.front());
        pieces_.pop_front();
        text_ = std::move(piece.sql);
        if (!piece.table.empty())
            cursor_ = TRY(RowCursor::open(connection_, piece.table));
        return true;
    }

    SqliteConnection connection_;
    std::deque<DumpPiece> pieces_;
    std::unique_ptr<RowCursor> cursor_;
    std::string text_;
    std::size_t used_ = 0;
};

bool wanted(const std::vector<std::string>& tables, const std::string& table) {
    return tables.empty() || std::find(tables.begin(), tables.end(), table) != tables.end();
}

Result<void> must_all_be_there(SqliteConnection& connection, const std::vector<std::string>& tables) {
    for (const auto& table : tables)
        if (TRY(connection.value("select 1 from sqlite_schema where type = 'table' and name = ?",
                                 { table }))
                .is_null())
            return Error{ .kind = Kind::missing,
                          .why = fmt::format("there is no table {}", printable(table)) };
    return {};
}

// A virtual table's definition goes into the schema as it stands: creating it would make its shadow
// tables, which the dump brings along itself.
std::string create_virtual(const Value::Map& object) {
    return fmt::format(
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{0},{0},0,{1});\n",
        quoted_text(*object.at("name").text()), quoted_text(*object.at("sql").text()));
}

Result<std::deque<DumpPiece>> plan_dump(SqliteConnection& connection,
                                        const std::vector<std::string>& tables) {
    std::deque<DumpPiece> pieces;
    pieces.push_back({ "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", {} });
    bool writable_schema = false;
    for (const auto& object :
         TRY(connection.rows("select name, sql from sqlite_schema where type = 'table' and sql is not "
                             "null and name not like 'sqlite\\_%' escape '\\' order by rowid"))) {
        if (!wanted(tables, *object.at("name").text()))
            continue;
        if (object.at("sql").text()->starts_with("CREATE VIRTUAL TABLE")) {
            pieces.push_back(
                { std::string(std::exchange(writable_schema, true) ? ""
                                                                   : "PRAGMA writable_schema=ON;\n") +
                      create_virtual(object),
                  {} });
        } else {
            pieces.push_back({ *object.at("sql").text() + ";\n", *object.at("name").text() });
        }
    }
    if (tables.empty())
        for (const auto& [table, before] :
             { std::pair{ "sqlite_sequence", "DELETE FROM sqlite_sequence;\n" },
               std::pair{ "sqlite_stat1", "ANALYZE sqlite_schema;\n" } })
            if (!TRY(connection.value("select 1 from sqlite_schema where name = ?", { table }))
                     .is_null())
                pieces.push_back({ before, table });
    for (const auto& object :
         TRY(connection.rows("select tbl_name, sql from sqlite_schema where type in ('index', "
                             "'trigger', 'view') and sql is not null order by rowid")))
        if (wanted(tables, *object.at("tbl_name").text()))
            pieces.push_back({ *object.at("sql").text() + ";\n", {} });
    pieces.push_back(
        { std::string(writable_schema ? "PRAGMA writable_schema=OFF;\n" : "") + "COMMIT;\n", {} });
    return pieces;
}

} // namespace

Result<std::unique_ptr<io::Source>> dump_database(SqliteConnection connection,
                                                  const std::vector<std::string>& tables) {
    TRY(connection.run("begin"));
    TRY(must_all_be_there(connection, tables));
    auto pieces = TRY(plan_dump(connection, tables));
    return std::unique_ptr<io::Source>(
        std::make_unique<DumpSource>(std::move(connection), std::move(pieces)));
}

} // namespace respawn::database
