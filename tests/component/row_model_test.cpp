// Random tables over many backups, beside a std::map of each.
#include "row_rig.h"

using namespace rig;

namespace {

struct Model {
    std::mt19937_64 random;
    Table table;
    Rows rows;
    std::vector<std::pair<vault::Tree, Rows>> backups;

    explicit Model(std::uint64_t seed) : random(seed) {
        table.unique_keys = 1;
        table.unique = [](std::string_view row) {
            return std::vector<Cell>{ row.empty() ? Cell() : Cell(row.substr(0, 10)) };
        };
    }
    std::size_t up_to(std::size_t most) { return static_cast<std::size_t>(random() % (most + 1)); }
    std::string any_key() {
        std::string key;
        component::append_key(key, up_to(3));
        if (up_to(3) == 0)
            component::append_key(key, std::string(up_to(30), static_cast<char>('a' + up_to(2))));
        else
            component::append_key(key, up_to(20'000));
        return key;
    }
    std::string any_row() { return some_row(random, up_to(5) == 0 ? up_to(2'000) : up_to(150)); }
    std::string some_key() {
        auto found = rows.lower_bound(any_key());
        return found == rows.end() ? any_key() : found->first;
    }

    void change() {
        const std::size_t counts[] = { 0, 1, 20, 300, 3'000, 12'000 };
        const auto count = backups.empty() ? 12'000 : counts[up_to(up_to(5))];
        for (std::size_t i = 0; i < count; ++i)
            if (up_to(9) < 7)
                rows[up_to(1) ? any_key() : some_key()] = any_row();
            else
                rows.erase(some_key());
        if (up_to(30) == 0)
            rows.clear();
        if (up_to(15) == 0)
            fs::remove_all(table.state);
    }

    void look_at(const vault::Tree& folder, const Rows& there) {
        const auto tree = table.open(folder);
        REQUIRE(tree.rows() == there.size());
        REQUIRE((rows_of(tree) == there));
        for (int i = 0; i < 20; ++i) {
            const auto key = any_key();
            const auto found = there.find(key);
            const auto row = must(tree.find(key));
            REQUIRE((row == (found == there.end() ? std::nullopt : std::optional(found->second))));
        }
        const auto key = any_key();
        REQUIRE((rows_of(must(tree.rows_from(key))) == Rows(there.lower_bound(key), there.end())));
        REQUIRE((rows_of(must(tree.rows_from(key, RowTree::From::behind))) ==
                 Rows(there.upper_bound(key), there.end())));
        for (int i = 0; i < 10 && !there.empty(); ++i) {
            const auto at =
                std::next(there.begin(), static_cast<std::ptrdiff_t>(up_to(there.size() - 1)));
            if (at->second.empty())
                continue;
            const auto keys = must(tree.keys_with(0, at->second.substr(0, 10)));
            REQUIRE(std::ranges::find(keys, at->first) != keys.end());
        }
    }

    void back_up() {
        change();
        const auto before = table.last;
        const bool same = !backups.empty() && backups.back().second == rows;
        const auto folder = table.back_up(rows);
        if (same)
            REQUIRE(folder == *before);
        backups.emplace_back(folder, rows);
        look_at(folder, rows);
        const auto& [other, there] = backups[up_to(backups.size() - 1)];
        REQUIRE((differences(table.open(other), table.open(folder)) == differences(there, rows)));
        REQUIRE((differences(table.open(folder), table.open(other)) == differences(rows, there)));
    }
};

} // namespace

TEST_CASE("forty backups of a table that changes at random come back, each as it was") {
    const auto seed = GENERATE(take(2, random(0, 1'000'000)));
    INFO("seed " << seed);
    Model model(static_cast<std::uint64_t>(seed));
    for (int i = 0; i < 40; ++i)
        model.back_up();
    for (std::size_t i = 0; i < model.backups.size(); i += 5)
        model.look_at(model.backups[i].first, model.backups[i].second);
}
