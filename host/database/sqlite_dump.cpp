#include "database/sqlite_dump.h"

#include "base/text.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <fmt/format.h>
#include <sqlite3.h>

namespace respawn::database {

namespace {

struct Piece {
    std::string sql;   // written as it is
    std::string table; // or: the rows of this table
};

// Steps one table's rows as INSERT statements.
class RowCursor {
  public:
    static Result<std::unique_ptr<RowCursor>> open(SqliteConnection& connection,
                                                   const std::string& table) {
        // quote() writes any value so that it comes back the same; hidden columns are not stored.
        std::string expression;
        std::string columns;
        for (const auto& column :
             TRY(connection.rows("select name from pragma_table_info(?)", { table }))) {
            const auto name = quoted_name(*column.at("name").text());
            expression += (expression.empty() ? "" : " || ',' || ") + fmt::format("quote({})", name);
            columns += (columns.empty() ? "" : ",") + name;
        }
        auto cursor = std::make_unique<RowCursor>();
        cursor->opening_ = fmt::format("INSERT INTO {}({}) VALUES(", quoted_name(table), columns);
        const auto sql = fmt::format("select {} from {}", expression, quoted_name(table));
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
        const auto* values = reinterpret_cast<const char*>(sqlite3_column_text(statement_, 0));
        return opening_ + (values ? values : "") + ");\n";
    }

  private:
    sqlite3_stmt* statement_ = nullptr;
    std::string opening_;
};

class DumpSource final : public io::Source {
  public:
    DumpSource(SqliteConnection connection, std::deque<Piece> pieces)
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
    std::deque<Piece> pieces_;
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
    const auto quote = [](const Value& text) {
        std::string quoted = "'";
        for (const char c : *text.text())
            quoted += c == '\'' ? "''" : std::string(1, c);
        return quoted + "'";
    };
    return fmt::format(
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{0},{0},0,{1});\n",
        quote(object.at("name")), quote(object.at("sql")));
}

Result<std::deque<Piece>> plan_dump(SqliteConnection& connection,
                                    const std::vector<std::string>& tables) {
    std::deque<Piece> pieces;
    pieces.push_back({ "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", {} });
    bool writable_schema = false;
    for (const auto& object :
         TRY(connection.rows("select name, sql from sqlite_schema where type = 'table' and sql is not "
                             "null and name not like 'sqlite_%' order by rowid"))) {
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
    if (tables.empty() &&
        !TRY(connection.value("select 1 from sqlite_schema where name = 'sqlite_sequence'")).is_null())
        pieces.push_back({ "DELETE FROM sqlite_sequence;\n", "sqlite_sequence" });
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
