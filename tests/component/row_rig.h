// A vault with one table, for the tests of row trees.
#pragma once

#include "component/row_tree.h"
#include "rig.h"

#include <map>
#include <random>

namespace rig {

using component::Cell;
using component::RowCursor;
using component::RowSum;
using component::RowTree;
using component::RowTreeWriter;
using Rows = std::map<std::string, std::string>;

// What compare() says, and what it should.
using Difference = std::pair<std::optional<std::string>, std::optional<std::string>>;
using Differences = std::map<std::string, Difference>;

inline Differences differences(const Rows& before, const Rows& after) {
    Differences found;
    for (const auto& [key, row] : before)
        if (const auto other = after.find(key); other == after.end() || other->second != row)
            found[key] = { row, other == after.end() ? std::nullopt : std::optional(other->second) };
    for (const auto& [key, row] : after)
        if (!before.contains(key))
            found[key] = { std::nullopt, row };
    return found;
}

inline Differences differences(const RowTree& before, const RowTree& after) {
    Differences found;
    std::string last;
    must(RowTree::compare(
        before, after,
        [&](std::string_view key, const std::string* was, const std::string* is) -> Result<void> {
            REQUIRE((found.empty() || key > last));
            last = key;
            found[std::string(key)] = { was ? std::optional(*was) : std::nullopt,
                                        is ? std::optional(*is) : std::nullopt };
            return {};
        }));
    return found;
}

inline Rows rows_of(RowCursor cursor) {
    Rows rows;
    while (must(cursor.next()))
        REQUIRE(rows.emplace(cursor.key(), cursor.row()).second);
    return rows;
}
inline Rows rows_of(const RowTree& tree) { return rows_of(must(tree.rows_from())); }

// The value that a row has in a unique key, or none.
using Unique = std::function<std::vector<Cell>(std::string_view row)>;

struct Table : Place {
    explicit Table(const io::Path& parent = quick_folder()) : Place(parent) {}

    bool keyed = true;
    std::string schema = "1";
    std::size_t unique_keys = 0;
    Unique unique;
    std::optional<vault::Tree> last; // the table's folder
    io::Path state = path("state/table");
    RowSum sum; // what the writer said
    std::uint64_t changed = 0, stored = 0;

    RowTreeWriter::Plan plan() const {
        return { .keyed = keyed,
                 .schema = schema,
                 .unique_keys = unique_keys,
                 .before = last ? &*last : nullptr,
                 .state = state };
    }

    vault::Tree back_up(const Rows& rows) {
        auto into = must(vault->begin_backup());
        auto writer = must(RowTreeWriter::begin(into, *vault, plan()));
        for (const auto& [key, row] : rows)
            must(writer.add(key, row, unique ? unique(row) : std::vector<Cell>{}));
        const auto entries = must(writer.finish());
        sum = writer.sum();
        changed = writer.changed();
        finish(into, entries);
        return *last;
    }
    // In any order, without keys.
    vault::Tree back_up_list(const std::vector<std::string>& rows) {
        auto into = must(vault->begin_backup());
        auto writer = must(RowTreeWriter::begin(into, *vault, plan()));
        for (const auto& row : rows)
            must(writer.add("", row));
        const auto entries = must(writer.finish());
        sum = writer.sum();
        finish(into, entries);
        return *last;
    }
    void finish(vault::Writer& into, const vault::Tree& entries) {
        last = entries;
        const auto tree = must(into.store_tree(entries));
        const auto snapshot = must(into.finish(
            { .game = "g",
              .started = now(),
              .components = { { .name = "t", .kind = "rows", .tree = tree, .size_bytes = 1 } } }));
        stored = snapshot.stored_bytes;
    }
    RowTree open(const vault::Tree& of) { return must(RowTree::open(*vault, of)); }
    RowTree open() { return open(*last); }
    std::size_t runs() const {
        return static_cast<std::size_t>(std::ranges::count_if(*last, [](const auto& entry) {
            return entry.name.starts_with("changed-") && entry.name.find('.') == std::string::npos;
        }));
    }
};

inline std::string number_key(std::uint64_t number) {
    std::string key;
    component::append_key(key, number);
    return key;
}

// Some text that compresses by half or so.
inline std::string some_row(std::mt19937_64& random, std::size_t size) {
    std::string row;
    while (row.size() < size)
        row += std::to_string(random() % 1'000'000'000) + ",galleons,";
    row.resize(size);
    return row;
}

} // namespace rig
