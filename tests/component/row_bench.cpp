// How quick row trees are: `test_component [.bench]`. Prints; asserts nothing about time.
#include "row_rig.h"

#include <chrono>
#include <ctime>
#include <iostream>

using namespace rig;

namespace {

double processor_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

struct Watch {
    double processor = processor_seconds();
    std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    void tell(const std::string& what, double bytes) const {
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        const auto used = processor_seconds() - processor;
        std::cout << what << ": " << took.count() << " s, " << bytes / took.count() / 1e6
                  << " MB/s; this thread alone " << used << " s, " << bytes / used / 1e6 << " MB/s\n";
    }
};

} // namespace

TEST_CASE("a million rows of 600 bytes, and one in a hundred of them changed", "[.bench]") {
    constexpr std::size_t count = 1'000'000, size = 600;
    Table table("/tmp");
    std::mt19937_64 random(1);
    std::vector<std::string> pool;
    for (int i = 0; i < 4'000; ++i)
        pool.push_back(some_row(random, size));
    std::string key;
    {
        const Watch watch;
        double bytes = 0;
        for (std::size_t i = 0; i < count; ++i) {
            key.clear();
            component::append_key(key, std::uint64_t{ i });
            const auto number = (i * 2'654'435'761) % pool.size();
            const bool other = random() % 10'000 < 100;
            auto row = pool[other ? (number + 1) % pool.size() : number];
            row.replace(0, key.size(), key);
            bytes += static_cast<double>(row.size());
        }
        watch.tell("making the rows, which is part of the next", bytes);
    }
    const auto write = [&](std::uint64_t salt, double share) {
        auto into = must(table.vault->begin_backup());
        auto writer = must(RowTreeWriter::begin(into, *table.vault, table.plan()));
        const Watch watch;
        for (std::size_t i = 0; i < count; ++i) {
            key.clear();
            component::append_key(key, std::uint64_t{ i });
            const auto number = (i * 2'654'435'761) % pool.size();
            const bool other = random() % 10'000 < share * 10'000;
            auto row = pool[other ? (number + salt) % pool.size() : number];
            row.replace(0, key.size(), key);
            must(writer.add(key, row));
        }
        const auto entries = must(writer.finish());
        watch.tell("backup", static_cast<double>(writer.bytes()));
        table.finish(into, entries);
        watch.tell("and the snapshot", static_cast<double>(writer.bytes()));
        std::cout << "  changed " << writer.changed() << ", stored " << table.stored / 1000 << " kB\n";
    };
    write(0, 0);
    write(1, 0.01);
    write(2, 0);
    auto tree = table.open();
    {
        const Watch watch;
        auto rows = must(tree.rows_from());
        double bytes = 0;
        while (must(rows.next()))
            bytes += static_cast<double>(rows.row().size());
        watch.tell("reading all", bytes);
    }
    auto again = must(
        vault::Vault::open(must(location::open_location("file://" + (table.path("vault")).string())),
                           table.vault_key, table.path("other-cache")));
    const Watch watch;
    for (std::uint64_t i = 0; i < 10; ++i)
        REQUIRE(must(must(RowTree::open(*again, *table.last)).find(number_key(i * 99'991))));
    watch.tell("ten rows by key", 10 * size);
}
