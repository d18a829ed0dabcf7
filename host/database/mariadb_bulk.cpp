#include "database/mariadb_bulk.h"

#include <mysql.h>

namespace respawn::database {

namespace {

constexpr std::size_t bytes_at_once = 2 << 20; // far below any max_allowed_packet
constexpr std::size_t most_rows_at_once = 16384;

// One column of the rows of a call, as the client library wants it.
struct Column {
    std::vector<char*> data;
    std::vector<unsigned long> sizes;
    std::vector<char> indicators;
};

} // namespace

MariadbBulk::MariadbBulk(st_mysql* handle, bool at_once)
    : statement_(mysql_stmt_init(handle)), rows_at_once_(at_once ? most_rows_at_once : 1) {}

MariadbBulk::~MariadbBulk() { mysql_stmt_close(statement_); }

bool MariadbBulk::prepare(std::string_view sql) {
    if (mysql_stmt_prepare(statement_, sql.data(), sql.size()) != 0)
        return false;
    columns_ = mysql_stmt_param_count(statement_);
    return true;
}

bool MariadbBulk::add(std::span<const MariadbTables::Cell> cells) {
    for (const auto& cell : cells) {
        values_.push_back({ bytes_.size(), cell ? cell->size() : 0, !cell });
        bytes_ += cell.value_or("");
    }
    const bool full = bytes_.size() >= bytes_at_once || values_.size() >= rows_at_once_ * cells.size();
    return !full || flush();
}

bool MariadbBulk::flush() {
    if (values_.empty())
        return true;
    unsigned rows = values_.size() / columns_;
    std::vector<Column> columns(columns_);
    std::vector<MYSQL_BIND> binds(columns_);
    for (std::size_t c = 0; c < columns_; ++c) {
        auto& column = columns[c];
        for (std::size_t i = c; i < values_.size(); i += columns_) {
            const auto& value = values_[i];
            column.data.push_back(bytes_.data() + value.begin);
            column.sizes.push_back(value.size);
            column.indicators.push_back(value.null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE);
        }
        binds[c].buffer_type = MYSQL_TYPE_BLOB; // as it is, in no character set
        binds[c].buffer = rows_at_once_ > 1 ? static_cast<void*>(column.data.data()) : column.data[0];
        binds[c].length = column.sizes.data();
        binds[c].u.indicator = column.indicators.data();
    }
    if (rows_at_once_ > 1)
        mysql_stmt_attr_set(statement_, STMT_ATTR_ARRAY_SIZE, &rows);
    if (mysql_stmt_bind_param(statement_, binds.data()) != 0 || mysql_stmt_execute(statement_) != 0)
        return false;
    taken_ += mysql_stmt_affected_rows(statement_);
    values_.clear();
    bytes_.clear();
    return true;
}

unsigned MariadbBulk::code() const { return mysql_stmt_errno(statement_); }
const char* MariadbBulk::message() const { return mysql_stmt_error(statement_); }

} // namespace respawn::database
