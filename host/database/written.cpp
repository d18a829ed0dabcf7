#include "database/database.h"

namespace respawn::database {

namespace {

Value::Map map_at(const Value& value, std::string_view key) {
    const auto* members = value.at(key).map();
    return members ? *members : Value::Map{};
}

std::vector<std::string> texts_at(const Value& value, std::string_view key) {
    std::vector<std::string> texts;
    if (const auto* items = value.at(key).list())
        for (const auto& item : *items)
            texts.push_back(item.text() ? *item.text() : "");
    return texts;
}

} // namespace

Value to_value(const Written& written) {
    Value::List rows;
    for (const auto& row : written.rows) {
        Value::Map told{ { "after", row.after },
                         { "asked", row.asked },
                         { "before", row.before },
                         { "key", row.key },
                         { "table", row.table } };
        if (!row.made.empty())
            told.emplace("made", Value::List(row.made.begin(), row.made.end()));
        rows.emplace_back(std::move(told));
    }
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
                                 map_at(row, "after"), !asked || *asked, texts_at(row, "made") });
    }
    return written;
}

} // namespace respawn::database
