#include "run/primitive.h"

namespace respawn::primitives {

namespace {

Value row_value(const std::vector<std::string>& columns, const std::vector<Value>& row) {
    Value::Map named;
    for (std::size_t i = 0; i < columns.size(); ++i)
        named.insert_or_assign(columns[i], row[i]);
    return named;
}

Result<Value> query(const run::Call& call) {
    auto* reader = TRY(call.reader(call.text("component")));
    const auto found = TRY(reader->query(call.text("query"), call.list("with")));
    Value::List rows;
    for (const auto& row : found.rows)
        rows.push_back(row_value(found.columns, row));
    return Value(std::move(rows));
}

} // namespace

extern const run::Primitive sql = {
    .name = "sql",
    .summary = "Reads rows with one statement that can only read (SELECT, WITH, VALUES).",
    .effect = run::Effect::reads,
    .capability = run::Capability::sql_read,
    .params = {
        { .name = "query", .type = run::Type::text, .doc = "the statement, with ? for values" },
        { .name = "with", .type = run::Type::list, .doc = "the values for each ?", .fallback = Value::List{} },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "a list of rows, each a table from column to value; NULL is nil",
    .example = R"(local rows = respawn.sql { query = "select * from players where id = ?", with = { 17 } })",
    .run = query,
};

} // namespace respawn::primitives
