#include "database/session.h"

#include <utility>

namespace respawn::database {

Result<void> Session::run(std::string_view sql, const std::vector<Value>& parameters) {
    return query(sql, parameters, [](const auto&, auto) { return Result<void>(); });
}

Result<std::string> Session::whole_row(std::string_view table) {
    return std::string(TRY(has_table(table)) ? "t.*" : "");
}

Result<std::vector<Value::Map>> Session::rows(std::string_view sql,
                                              const std::vector<Value>& parameters) {
    std::vector<Value::Map> all;
    TRY(query(sql, parameters, [&](const auto& columns, std::vector<Value> row) -> Result<void> {
        Value::Map named;
        for (std::size_t i = 0; i < columns.size(); ++i)
            named.insert_or_assign(columns[i], std::move(row[i]));
        all.push_back(std::move(named));
        return {};
    }));
    return all;
}

Result<Value> Session::value(std::string_view sql, const std::vector<Value>& parameters) {
    Value first;
    bool found = false;
    TRY(query(sql, parameters, [&](const auto&, std::vector<Value> row) -> Result<void> {
        if (!std::exchange(found, true) && !row.empty())
            first = std::move(row[0]);
        return {};
    }));
    return first;
}

} // namespace respawn::database
