#include "component/mariadb_dump.h"

#include "base/bytes.h"
#include "base/text.h"
#include "component/charset.h"
#include "component/mariadb_rows.h"
#include "component/mariadb_tree.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::size_t bytes_of_an_insert = 512 << 10;

enum class Form { number, text, coded_text, bytes };

Form form_of(const ServerColumn& column) {
    constexpr std::string_view numbers[] = { "tinyint", "smallint", "mediumint", "int", "bigint",
                                             "decimal", "float",    "double",    "year" };
    constexpr std::string_view readable[] = { "utf8mb4", "utf8mb3", "utf8", "ascii" };
    constexpr std::string_view quoted[] = { "date", "time",  "datetime", "timestamp",
                                            "uuid", "inet6", "inet4" };
    const auto among = [](const auto& words, std::string_view word) {
        return std::ranges::find(words, word) != std::end(words);
    };
    if (!column.charset.empty())
        return among(readable, column.charset) ? Form::text : Form::coded_text;
    return among(numbers, column.type)  ? Form::number
           : among(quoted, column.type) ? Form::text
                                        : Form::bytes;
}

void append_text(std::string& sql, std::string_view text) {
    sql += '\'';
    for (const char c : text) {
        switch (c) {
        case '\0':
            sql += "\\0";
            break;
        case '\n':
            sql += "\\n";
            break;
        case '\r':
            sql += "\\r";
            break;
        case '\x1a':
            sql += "\\Z";
            break;
        case '\'':
            sql += "\\'";
            break;
        case '\\':
            sql += "\\\\";
            break;
        default:
            sql += c;
        }
    }
    sql += '\'';
}

void append_cell_text(std::string& sql, const ServerColumn& column, const Cell& cell) {
    if (!cell) {
        sql += "NULL";
        return;
    }
    switch (cell->empty() ? Form::text : form_of(column)) {
    case Form::number:
        sql += *cell;
        break;
    case Form::text:
        append_text(sql, *cell);
        break;
    case Form::coded_text:
        sql += "_" + column.charset + " x'" + to_hex(*cell) + "'";
        break;
    case Form::bytes:
        sql += "x'" + to_hex(*cell) + "'";
        break;
    }
}

std::string object_text(const ServerObject& object) {
    if (object.kind == "sequence")
        return fmt::format("{};\nDO SETVAL({}, {}, 0);\n", object.create,
                           MariadbTables::quoted(object.name), object.value);
    auto set = [](std::string_view name, const std::string& value) {
        return value.empty() ? "" : fmt::format("SET {} = '{}';\n", name, value);
    };
    return set("character_set_client", object.client_charset) +
           set("collation_connection", object.connection_collation) +
           set("time_zone", object.time_zone) +
           fmt::format("SET sql_mode = '{}';\nDROP {} IF EXISTS {};\nDELIMITER ;;\n{};;\nDELIMITER ;\n",
                       object.sql_mode, object.kind,
                       in_charset_of_client(MariadbTables::quoted(object.name), object.client_charset),
                       in_charset_of_client(object.create, object.client_charset)) +
           "SET time_zone = '+00:00';\n";
}

class DumpSource final : public io::Source {
  public:
    explicit DumpSource(MariadbTree tree) : tree_(std::move(tree)), names_(tree_.tables()) {}

    Result<std::size_t> read(char* buffer, std::size_t size) override {
        while (at_ == text_.size() && !ended_) {
            text_.clear();
            at_ = 0;
            TRY(go_on());
        }
        const auto taken = std::min(size, text_.size() - at_);
        std::memcpy(buffer, text_.data() + at_, taken);
        at_ += taken;
        return taken;
    }

  private:
    Result<void> go_on() {
        if (!begun_)
            say_beginning();
        else if (table_)
            return say_rows();
        else if (next_ < names_.size())
            return say_table();
        else
            say_end();
        return {};
    }

    void say_beginning() {
        begun_ = true;
        const auto& schema = tree_.schema();
        text_ =
            fmt::format("-- {} of {}, written by respawn from its vault\n"
                        "SET NAMES utf8mb4;\nSET time_zone = '+00:00';\nSET foreign_key_checks = 0;\n"
                        "SET unique_checks = 0;\n"
                        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';\n",
                        printable(schema.database), schema.server);
        for (const auto& object : schema.objects)
            if (object.kind == "sequence")
                text_ += object_text(object);
    }

    Result<void> say_table() {
        table_.emplace(TRY(tree_.table(names_[next_++])));
        rows_.emplace(TRY(table_->rows.rows_from()));
        text_ = table_->definition.create + ";\n";
        return {};
    }

    Result<void> say_rows() {
        const auto& table = table_->definition;
        std::vector<Cell> cells;
        bool first = true;
        while (text_.size() < bytes_of_an_insert && TRY(rows_->next())) {
            TRY(cells_of(rows_->row(), table.columns.size(), cells));
            text_ += first ? insert_of(table) : ",\n(";
            first = false;
            for (std::size_t i = 0; i < cells.size(); ++i) {
                text_ += i > 0 ? "," : "";
                append_cell_text(text_, table.columns[i], cells[i]);
            }
            text_ += ")";
        }
        text_ += first ? "" : ";\n";
        if (first) {
            rows_.reset();
            table_.reset();
        }
        return {};
    }

    static std::string insert_of(const ServerTable& table) {
        std::vector<std::string> names;
        for (const auto& column : table.columns)
            names.push_back(MariadbTables::quoted(column.name));
        return fmt::format("INSERT INTO {} ({}) VALUES\n(", MariadbTables::quoted(table.name),
                           join(names, ", "));
    }

    // Views of views may come before what they are of: a second time all is there.
    void say_end() {
        ended_ = true;
        for (const auto& object : tree_.schema().objects)
            if (object.kind != "sequence")
                text_ += object_text(object);
        text_ +=
            "SET NAMES utf8mb4;\nSET foreign_key_checks = 1;\nSET unique_checks = 1;\n-- complete\n";
    }

    MariadbTree tree_;
    std::vector<std::string> names_;
    std::size_t next_ = 0;
    std::optional<StoredTable> table_;
    std::optional<RowCursor> rows_;
    std::string text_;
    std::size_t at_ = 0;
    bool begun_ = false, ended_ = false;
};

// Looks at whether to go on, and says how far it is.
class Watched final : public io::Source {
  public:
    Watched(std::unique_ptr<io::Source> source, const Work& work, std::uint64_t total)
        : source_(std::move(source)), work_(work), total_(total) {}
    Result<std::size_t> read(char* buffer, std::size_t size) override {
        TRY(work_.cancel.check());
        const auto taken = TRY(source_->read(buffer, size));
        done_ += taken;
        if (work_.progress)
            work_.progress(done_, std::max(done_, total_));
        return taken;
    }

  private:
    std::unique_ptr<io::Source> source_;
    const Work& work_;
    std::uint64_t total_, done_ = 0;
};

} // namespace

std::optional<Packing> dump_form(const io::Path& file) {
    const auto name = file.filename().string();
    constexpr std::pair<std::string_view, Packing> forms[] = { { ".sql", Packing::none },
                                                               { ".sql.gz", Packing::gzip },
                                                               { ".sql.zst", Packing::zstd } };
    for (const auto& [end, packing] : forms)
        if (name.size() > end.size() && name.ends_with(end))
            return packing;
    return {};
}

Result<std::unique_ptr<io::Source>> open_dump(vault::Vault& from,
                                              const vault::ComponentRecord& record) {
    return std::unique_ptr<io::Source>(
        std::make_unique<DumpSource>(TRY(MariadbTree::open(from, record))));
}

Result<Value> write_dump_file(vault::Vault& from, const vault::ComponentRecord& record,
                              const io::Path& place, const Work& work) {
    const auto tree = TRY(MariadbTree::open(from, record));
    auto file = std::filesystem::absolute(place);
    if (std::filesystem::is_directory(file) || !file.has_filename()) {
        if (std::filesystem::is_directory(file) && !std::filesystem::is_empty(file))
            return Error{ .kind = Kind::conflict,
                          .why = fmt::format("{} is not empty", printable(place.string())),
                          .fix = "name a place that is missing or an empty folder" };
        file /= folder_name(tree.schema().database) + ".sql";
    }
    TRY(io::make_folder(file.parent_path()));
    const auto dump =
        TRY(packed(std::make_unique<Watched>(TRY(open_dump(from, record)), work, record.size_bytes),
                   dump_form(file).value_or(Packing::none)));
    TRY(io::create_durably(file, *dump));
    Value::Map tables;
    for (const auto& name : tree.tables())
        tables[name] = TRY(tree.table(name)).rows.sum().value();
    return Value(Value::Map{ { "file", file.string() }, { "tables", std::move(tables) } });
}

} // namespace respawn::component
