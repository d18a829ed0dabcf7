#include "component/row_sort.h"
#include "row_rig.h"

using namespace rig;
using component::RowSort;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs sorted(RowSort& sort) {
    Pairs out;
    must(sort.each([&](std::string_view key, std::string_view row) -> Result<void> {
        out.emplace_back(key, row);
        return {};
    }));
    return out;
}

} // namespace

TEST_CASE("rows are sorted by the bytes of their keys, equal keys as they came, in any memory") {
    const std::size_t memory = GENERATE(0, 3'000, 100'000, 1 << 20);
    Place place(quick_folder());
    std::mt19937_64 random(memory);
    RowSort sort(place.path("sort"), memory);
    Pairs rows;
    const std::size_t count = memory < 3'000 ? 2'500 : 8'000;
    for (std::size_t i = 0; i < count; ++i) {
        std::string key(random() % 12, '\0');
        for (auto& byte : key)
            byte = static_cast<char>(random() % 4 * 85);
        rows.emplace_back(key, std::to_string(i) + std::string(random() % 40, 'r'));
    }
    rows.emplace_back("large", std::string(1 << 20, 'L'));
    for (const auto& [key, row] : rows)
        must(sort.add(key, row));
    std::ranges::stable_sort(rows, {}, &Pairs::value_type::first);
    REQUIRE((sorted(sort) == rows));
    if (fs::exists(place.path("sort")))
        REQUIRE(fs::is_empty(place.path("sort"))); // its files have no names
}

TEST_CASE("sorting nothing gives nothing and makes no folder") {
    Place place(quick_folder());
    RowSort sort(place.path("sort"));
    REQUIRE(sorted(sort).empty());
    REQUIRE_FALSE(fs::exists(place.path("sort")));
}

TEST_CASE("an error of whoever takes the sorted rows ends it") {
    Place place(quick_folder());
    RowSort sort(place.path("sort"), 10);
    must(sort.add("a", "1"));
    must(sort.add("b", "2"));
    const auto taken = sort.each([](std::string_view, std::string_view) -> Result<void> {
        return Error{ .kind = Kind::no_space, .why = "full" };
    });
    REQUIRE(taken.error().kind == Kind::no_space);
}
