// Makes the data that the vault benchmark backs up, the same for the same seed; or changes one percent
// of it, scattered.
//   bench_data make FOLDER [SCALE]     SCALE 100 is about 2.5 GB
//   bench_data change FOLDER
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sqlite3.h>
#include <string>
#include <vector>

namespace {

using Random = std::mt19937_64;
namespace fs = std::filesystem;

constexpr std::uint64_t seed = 20261121;

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "bench_data: %s\n", why.c_str());
    std::exit(1);
}

const std::vector<std::string>& words() {
    static const auto all = [] {
        Random random(seed);
        std::vector<std::string> made(6000);
        for (auto& word : made)
            for (auto left = 3 + random() % 8; left > 0; --left)
                word += static_cast<char>('a' + random() % 26);
        return made;
    }();
    return all;
}

// As texts go: few words often, most seldom.
const std::string& word(Random& random) {
    const auto size = words().size();
    return words()[std::min(random() % size, random() % size)];
}

std::string text(Random& random, std::size_t size) {
    std::string made;
    while (made.size() < size)
        made += word(random) + (random() % 12 == 0 ? ".\n" : " ");
    made.resize(size);
    return made;
}

std::string json(Random& random, std::size_t size) {
    std::string made = "[\n";
    while (made.size() < size)
        made += "{\"id\":" + std::to_string(random() % 1000000) + ",\"name\":\"" + word(random) +
                "\",\"gold\":" + std::to_string(random() % 100000) + ",\"tags\":[\"" + word(random) +
                "\",\"" + word(random) + "\"]},\n";
    made.resize(size);
    return made;
}

std::string noise(Random& random, std::size_t size) {
    std::string made(size, '\0');
    for (std::size_t at = 0; at + 8 <= size; at += 8) {
        const auto bits = random();
        for (int i = 0; i < 8; ++i)
            made[at + i] = static_cast<char>(bits >> (8 * i));
    }
    return made;
}

void write_file(const fs::path& path, const std::string& bytes) {
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary | std::ios::app);
    if (!file.write(bytes.data(), static_cast<std::streamsize>(bytes.size())))
        fail("cannot write " + path.string());
}

std::string mixed(Random& random, std::size_t size) {
    switch (random() % 3) {
    case 0:
        return text(random, size);
    case 1:
        return json(random, size);
    default:
        return noise(random, size);
    }
}

void make_files(const fs::path& folder, int scale) {
    Random random(seed);
    for (int i = 0; i < 200 * scale; ++i) {
        const auto size = std::size_t{ 1 } << (9 + random() % 9); // 512 bytes to 128 KiB
        write_file(folder / ("d" + std::to_string(i % 200)) / ("f" + std::to_string(i)),
                   mixed(random, size + random() % size));
    }
    for (int i = 0; i < 4; ++i) {
        const auto megabytes = (100 + 60 * i) * scale / 100;
        for (int piece = 0; piece < megabytes; ++piece)
            write_file(folder / "large" / ("l" + std::to_string(i)), mixed(random, 1 << 20));
    }
}

class Database {
  public:
    explicit Database(const fs::path& path) {
        if (sqlite3_open(path.c_str(), &connection_) != SQLITE_OK)
            fail("cannot open " + path.string());
    }
    Database(const Database&) = delete;
    ~Database() { sqlite3_close(connection_); }
    void run(const std::string& sql) {
        if (sqlite3_exec(connection_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
            fail(sqlite3_errmsg(connection_));
    }
    sqlite3_stmt* prepare(const char* sql) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v2(connection_, sql, -1, &statement, nullptr) != SQLITE_OK)
            fail(sqlite3_errmsg(connection_));
        return statement;
    }

  private:
    sqlite3* connection_ = nullptr;
};

void make_database(const fs::path& path, int scale) {
    Random random(seed + 1);
    Database database(path);
    database.run(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"
        "CREATE TABLE players(id INTEGER PRIMARY KEY, wallet TEXT UNIQUE, name TEXT, galleons INT,"
        " seen INT, bio TEXT); BEGIN");
    auto* insert = database.prepare("INSERT INTO players VALUES(?,?,?,?,?,?)");
    for (int i = 1; i <= 10000 * scale; ++i) {
        char wallet[48];
        std::snprintf(wallet, sizeof wallet, "0x%016llx%016llx%08x",
                      static_cast<unsigned long long>(random()),
                      static_cast<unsigned long long>(random()), static_cast<unsigned>(random()));
        const auto name = word(random) + std::to_string(i);
        const auto bio = text(random, 200 + random() % 900);
        sqlite3_bind_int(insert, 1, i);
        sqlite3_bind_text(insert, 2, wallet, -1, SQLITE_TRANSIENT);
        sqlite3_bind_text(insert, 3, name.c_str(), -1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(insert, 4, static_cast<std::int64_t>(random() % 1000000));
        sqlite3_bind_int64(insert, 5, static_cast<std::int64_t>(random() % 2000000000));
        sqlite3_bind_text(insert, 6, bio.c_str(), -1, SQLITE_TRANSIENT);
        if (sqlite3_step(insert) != SQLITE_DONE)
            fail("cannot insert");
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    database.run("COMMIT");
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

// One percent of the small files get other bytes in their middle; the large ones a few stretches.
void change_files(const fs::path& folder, Random& random) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file() && entry.path().extension() != ".db")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const auto& path : files) {
        const bool large = fs::file_size(path) > (1 << 20);
        if (!large && random() % 100 != 0)
            continue;
        std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
        for (int i = large ? 3 : 1; i > 0; --i) {
            file.seekp(static_cast<std::streamoff>(random() % fs::file_size(path) / 2));
            const auto bytes = noise(random, 64);
            file.write(bytes.data(), 64);
        }
    }
}

void change_database(const fs::path& path, Random& random) {
    Database database(path);
    database.run("PRAGMA synchronous=OFF; BEGIN");
    auto* count = database.prepare("SELECT max(id) FROM players");
    sqlite3_step(count);
    const auto players = static_cast<std::uint64_t>(sqlite3_column_int64(count, 0));
    sqlite3_finalize(count);
    auto* update =
        database.prepare("UPDATE players SET galleons = galleons + 7, seen = seen + 1 WHERE id = ?");
    for (auto left = players / 100; left > 0; --left) {
        sqlite3_bind_int64(update, 1, static_cast<std::int64_t>(1 + random() % players));
        sqlite3_step(update);
        sqlite3_reset(update);
    }
    sqlite3_finalize(update);
    database.run("COMMIT");
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
}

} // namespace

int main(int count, char** words) {
    const std::vector<std::string> arguments(words, words + count);
    if (count >= 3 && arguments[1] == "make") {
        const int scale = count > 3 ? std::atoi(words[3]) : 100;
        const fs::path folder = arguments[2];
        make_files(folder, scale);
        make_database(folder / "game.db", scale);
        return 0;
    }
    if (count >= 3 && arguments[1] == "change") {
        Random random(std::random_device{}());
        change_files(arguments[2], random);
        change_database(arguments[2] + "/game.db", random);
        return 0;
    }
    fail("usage: bench_data make FOLDER [SCALE] | change FOLDER");
}
