// What two durable commits a step cost SQLite itself, with no journal around them: prints microseconds
// a step.
//   bench_two_commits FILE STEPS
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sqlite3.h>

namespace {

void must(int code, sqlite3* db) {
    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW)
        return;
    std::fprintf(stderr, "bench_two_commits: %s\n", sqlite3_errmsg(db));
    std::exit(1);
}

constexpr auto schema =
    "pragma journal_mode = wal; pragma synchronous = full;"
    "create table calls (run text, position integer, state text, arguments blob, result blob, "
    "primary key (run, position)) without rowid;";
constexpr const char* steps_of_a_call[] = {
    "insert into calls values ('01J', ?, 'intent', randomblob(200), null)",
    "update calls set state = 'done', result = randomblob(200) where run = '01J' and position = ?",
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    const int steps = std::atoi(argv[2]);
    sqlite3* db = nullptr;
    sqlite3_stmt* statements[2];
    must(sqlite3_open(argv[1], &db), db);
    must(sqlite3_exec(db, schema, nullptr, nullptr, nullptr), db);
    for (int k = 0; k < 2; ++k)
        must(sqlite3_prepare_v2(db, steps_of_a_call[k], -1, &statements[k], nullptr), db);
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 1; i <= steps; ++i)
        for (auto* statement : statements) {
            sqlite3_bind_int(statement, 1, i);
            must(sqlite3_step(statement), db);
            sqlite3_reset(statement);
        }
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun;
    std::printf("%.1f\n", took.count() / steps);
}
