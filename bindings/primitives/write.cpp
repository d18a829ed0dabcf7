#include "base/text.h"
#include "run/primitive.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::primitives {

namespace {

using database::Change;
using database::ChangeKind;

Error unclear(const Value& change, std::string_view why) {
    return Error{ .kind = Kind::script,
                  .why = fmt::format("a change of respawn.write {}: {}", why, to_text(change)),
                  .fix = "write { update = TABLE, key = {…}, set = {…}, expect = {…} }" };
}

Result<Value::Map> columns(const Value& change, std::string_view part) {
    const auto& value = change.at(part);
    if (value.is_null() || (value.list() && value.list()->empty()))
        return Value::Map{};
    if (!value.map())
        return unclear(change, fmt::format("has a {} that is no table of columns", part));
    return *value.map();
}

Result<void> must_know_parts(const Value& change) {
    static const std::vector<std::string> parts = { "update", "insert", "delete", "key",
                                                    "set",    "add",    "expect", "once" };
    for (const auto& [part, value] : *change.map())
        if (std::find(parts.begin(), parts.end(), part) == parts.end())
            return unclear(change, fmt::format("has a part '{}' that nobody knows", printable(part)));
    return {};
}

Result<Change> change_from(const Value& value) {
    if (!value.map())
        return unclear(value, "is no table");
    TRY(must_know_parts(value));
    auto key = TRY(columns(value, "key"));
    auto set = TRY(columns(value, "set"));
    auto add = TRY(columns(value, "add"));
    auto expect = TRY(columns(value, "expect"));
    Change change{ .kind = ChangeKind::update,
                   .table = {},
                   .key = std::move(key),
                   .set = std::move(set),
                   .add = std::move(add),
                   .expect = std::move(expect),
                   .business_key = value.text_at("once") };
    int verbs = 0;
    for (const auto& [verb, kind] : { std::pair{ "update", ChangeKind::update },
                                      { "insert", ChangeKind::insert },
                                      { "delete", ChangeKind::remove } })
        if (const auto* table = value.at(verb).text()) {
            change.kind = kind;
            change.table = *table;
            ++verbs;
        }
    if (verbs != 1)
        return unclear(value, "needs one of update, insert and delete");
    return change;
}

// A list of changes may hold lists of changes: what a word of stdlib gives back can be several rows.
Result<void> collect(const Value& value, std::vector<Change>& changes) {
    if (!value.list()) {
        changes.push_back(TRY(change_from(value)));
        return {};
    }
    for (const auto& item : *value.list())
        TRY(collect(item, changes));
    return {};
}

Result<database::Write> structured(const run::Call& call) {
    database::Write write{ .changes = {}, .why = call.text("why") };
    TRY(collect(call["changes"], write.changes));
    if (write.changes.empty())
        return Error{ .kind = Kind::script, .why = "respawn.write was given no changes" };
    return write;
}

} // namespace

extern const run::Primitive write = {
    .name = "write",
    .summary = "Changes rows of one database, all in one transaction, with the run's marker beside them: after any crash it is known whether it happened.",
    .effect = run::Effect::writes_rows,
    .capability = run::Capability::sql_write,
    .policy = journal::Policy::probe, // the marker in the database tells
    .params = {
        { .name = "changes", .type = run::Type::list, .doc = "a list (lists in it are flattened) of { update = TABLE, key = {…}, set = {…}, add = {…}, expect = {…}, once = KEY }, { insert = TABLE, set = {…}, once = KEY } and { delete = TABLE, key = {…}, expect = {…} }. `expect` are the old values that must stand there; `add` adds whole numbers; `once` is a business key: it happens once, ever" },
        { .name = "why", .type = run::Type::text, .doc = "a short sentence for the journal and the marker" },
        { .name = "component", .type = run::Type::component, .doc = "which database; may be left out when there is only one", .optional = true },
    },
    .returns = "{ rows = how many rows changed, triggers and cascades included }",
    .would = "change rows of {component}: {why}",
    .example = R"(respawn.write { why = "end the duel",
  changes = { { update = "active_duels", key = { id = 7 }, set = { status = "ended" }, expect = { status = "active" } } } })",
    .write = structured,
};

} // namespace respawn::primitives
