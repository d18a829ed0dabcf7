#include "database/database.h"

namespace respawn::database {

namespace {

Value::Map map_at(const Value& value, std::string_view key) {
    const auto* members = value.at(key).map();
    return members ? *members : Value::Map{};
}

} // namespace

Value to_value(const Written& written) {
    Value::List rows;
    for (const auto& row : written.rows)
        rows.push_back(Value::Map{ { "after", row.after },
                                   { "asked", row.asked },
                                   { "before", row.before },
                                   { "key", row.key },
                                   { "table", row.table } });
    return Value::Map{ { "marker", written.marker }, { "rows", std::move(rows) } };
}

Result<Written> written_from(const Value& value) {
    const auto* rows = value.at("rows").list();
    if (!rows)
        return Error{ .kind = Kind::corrupt, .why = "the record of a write has no rows" };
    Written written{ .rows = {}, .marker = value.integer_at("marker") };
    for (const auto& row : *rows) {
        const auto* asked = row.at("asked").boolean();
        written.rows.push_back({ row.text_at("table"), map_at(row, "key"), map_at(row, "before"),
                                 map_at(row, "after"), !asked || *asked });
    }
    return written;
}

} // namespace respawn::database
