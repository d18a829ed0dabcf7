#include "testkit/demo_world.h"

#include "base/time.h"
#include "crypto/crypto.h"
#include "database/sqlite_connection.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::testkit {

namespace {

using database::SqliteConnection;

constexpr std::int64_t player_count = 2'400;
constexpr std::int64_t duel_count = 60;
constexpr std::int64_t tournament_count = 6;
constexpr std::int64_t bracket_size = 16;
constexpr std::int64_t money_count = 400; // of deposits, and of processed transactions
constexpr std::int64_t withdrawal_count = 60;
constexpr std::int64_t stuck_duel = 47;
constexpr std::int64_t failed_withdrawal = 42;

// Numerical Recipes' linear congruential generator: the same world each time.
class Dice {
  public:
    std::int64_t below(std::int64_t bound) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(bound));
    }

  private:
    std::uint64_t state_ = 20261121;
};

class Writer {
  public:
    Writer(SqliteConnection& database, std::int64_t seconds) : database_(database), now_(seconds) {}

    Result<std::int64_t> write() {
        TRY(players());
        TRY(duels());
        for (std::int64_t id = 1; id <= tournament_count; ++id)
            TRY(tournament(id));
        TRY(money());
        TRY(settings());
        return rows_;
    }

  private:
    Result<void> add(std::string_view sql, const std::vector<Value>& values) {
        ++rows_;
        return database_.run(sql, values);
    }

    std::string player_name(std::int64_t id) {
        static constexpr std::string_view first[] = {
            "Ada", "Lin", "Merula", "Corvin", "Isolde", "Thorne", "Wren", "Aldous", "Sable", "Percival"
        };
        static constexpr std::string_view last[] = { "Ashgrove",  "Blackwood", "Duskmere", "Emberlyn",
                                                     "Frostvale", "Grimshaw",  "Hollow",   "Nightsong",
                                                     "Ravenna",   "Starfall" };
        return fmt::format("{} {} {}", first[id % 10], last[id / 10 % 10], id);
    }

    Result<void> players() {
        for (std::int64_t id = 1; id <= player_count; ++id) {
            const auto galleons = 100 + dice_.below(5'000);
            const auto born = now_ - 86'400 * (1 + dice_.below(300));
            TRY(add("insert into players (id, wallet, name, galleons, withdrawable_galleons, wins, "
                    "losses, created_at) values (?, ?, ?, ?, ?, ?, ?, ?)",
                    { id, fake_address(fmt::format("player {}", id)), player_name(id), galleons,
                      dice_.below(1'000), dice_.below(80), dice_.below(80), born }));
            TRY(add("insert into ledger (player_id, amount, kind, reference, created_at) values (?, ?, "
                    "'deposit', ?, ?)",
                    { id, galleons, fmt::format("start:{}", id), born }));
        }
        return {};
    }

    Result<void> duels() {
        static constexpr std::string_view spells[] = { "Expelliarmus", "Protego", "Stupefy", "Lumos",
                                                       "Incendio" };
        for (std::int64_t id = 1; id <= duel_count; ++id) {
            const auto a = 1 + dice_.below(player_count / 2);
            const auto b = player_count / 2 + 1 + dice_.below(player_count / 2);
            const auto begun = now_ - 60 - dice_.below(500);
            TRY(add("insert into active_duels (id, player_a, player_b, stake, status, started_at, "
                    "last_move_at) values (?, ?, ?, ?, 'active', ?, ?)",
                    { id, a, b, 10 * (1 + dice_.below(9)), begun, begun + 30 }));
            for (std::int64_t move = 0; move < 4; ++move)
                TRY(add("insert into duel_moves (duel_id, player_id, spell, at) values (?, ?, ?, ?)",
                        { id, move % 2 ? a : b, spells[dice_.below(5)], begun + 7 * move }));
        }
        return {};
    }

    Result<void> tournament(std::int64_t id) {
        const auto pool = 1'000 * id;
        TRY(add(
            "insert into tournaments (id, name, status, prize_pool, started_at) values (?, ?, ?, ?, ?)",
            { id, fmt::format("Cup of {} goblets", id), id < tournament_count ? "finished" : "running",
              pool, now_ - 86'400 * id }));
        std::vector<std::int64_t> left;
        for (std::int64_t i = 0; i < bracket_size; ++i)
            left.push_back(1 + (id * 97 + i * 131) % player_count);
        for (std::int64_t round = 1; left.size() > 1; ++round)
            left = TRY(play_round(id, round, left));
        for (std::int64_t place = 1; place <= 3; ++place)
            TRY(add(
                "insert into tournament_prizes (tournament_id, place, player_id, amount, status) "
                "values (?, ?, ?, ?, ?)",
                { id, place,
                  place == 1 ? Value(left.front()) : Value(1 + (id * 97 + place * 131) % player_count),
                  pool / (place + 1), id < tournament_count ? "paid" : "open" }));
        return {};
    }

    Result<std::vector<std::int64_t>> play_round(std::int64_t tournament, std::int64_t round,
                                                 const std::vector<std::int64_t>& players) {
        std::vector<std::int64_t> winners;
        for (std::size_t slot = 0; slot + 1 < players.size(); slot += 2) {
            winners.push_back(players[slot + static_cast<std::size_t>(dice_.below(2))]);
            TRY(add("insert into tournament_matches (tournament_id, round, slot, player_a, player_b, "
                    "winner, status) values (?, ?, ?, ?, ?, ?, 'finished')",
                    { tournament, round, static_cast<std::int64_t>(slot / 2), players[slot],
                      players[slot + 1], winners.back() }));
        }
        return winners;
    }

    Result<void> money() {
        for (std::int64_t i = 1; i <= money_count; ++i) {
            const auto hash = fake_hash(fmt::format("deposit {}", i));
            const auto at = now_ - 3'600 * (1 + dice_.below(700));
            TRY(add("insert into deposits (player_id, tx_hash, amount, status, at) values (?, ?, ?, "
                    "'credited', ?)",
                    { 1 + dice_.below(player_count), hash, 10 + dice_.below(500), at }));
            TRY(add("insert into processed_transactions (tx_hash, kind, amount, processed_at) values "
                    "(?, 'deposit', ?, ?)",
                    { hash, 10 + dice_.below(500), at + 60 }));
            if (i % 5 == 0)
                TRY(add(
                    "insert into burn_queue (tx_hash, amount, status, queued_at) values (?, ?, ?, ?)",
                    { fake_hash(fmt::format("burn {}", i)), 1 + dice_.below(90),
                      i % 10 ? "queued" : "burnt", at }));
        }
        for (std::int64_t id = 1; id <= withdrawal_count; ++id)
            TRY(withdrawal(id));
        return {};
    }

    Result<void> withdrawal(std::int64_t id) {
        const auto player = 1 + dice_.below(player_count);
        const auto amount = 20 + dice_.below(200);
        return add("insert into withdrawal_requests (id, player_id, wallet, amount, token_amount, "
                   "status, tx_hash, nonce, requested_at) values (?, ?, ?, ?, ?, 'completed', ?, ?, ?)",
                   { id, player, fake_address(fmt::format("player {}", player)), amount,
                     fmt::format("{}000000000000000000", amount),
                     fake_hash(fmt::format("withdrawal {}", id)), id, now_ - 3'600 });
    }

    Result<void> settings() {
        for (const auto& [key, value] : { std::pair{ "season", "winter" },
                                          { "duel_timeout_minutes", "15" },
                                          { "withdrawal_fee_percent", "2" },
                                          { "maintenance", "off" } })
            TRY(add("insert into game_config (key, value) values (?, ?)", { key, value }));
        return {};
    }

    SqliteConnection& database_;
    Dice dice_;
    std::int64_t now_;
    std::int64_t rows_ = 0;
};

Result<void> write_agent_files(const io::Path& folder) {
    const auto memory = folder / "elizaos" / "memory";
    TRY(io::make_folder(memory));
    for (int agent = 1; agent <= 5; ++agent) {
        std::string lines;
        for (int i = 0; i < 200; ++i)
            lines += fmt::format("{{\"agent\":\"wizard-{}\",\"turn\":{},\"user\":\"@player{}\","
                                 "\"text\":\"@wox cast Lumos on duel {}\"}}\n",
                                 agent, i, agent * 200 + i, i % 60 + 1);
        TRY(io::replace_durably(memory / fmt::format("wizard-{}.jsonl", agent), lines, 0644));
    }
    TRY(io::make_folder(folder / "config"));
    return io::replace_durably(folder / "config" / "game.toml",
                               "season = \"winter\"\nchain = \"base\"\n", 0644);
}

std::string config_text(const std::string& chain_url) {
    return fmt::format(
        R"(# The world that `respawn demo` made. docs/reference/configuration.md lists every key.
game: wizards_of_x
environment: demo
state: .respawn
vault:
  key_file: respawn.key
  locations:
    - {{ name: local, url: vault }}
components:
  database: {{ kind: sqlite, path: game.db }}
  memory: {{ kind: files, paths: [elizaos/memory], exclude: ["*.tmp"] }}
  config: {{ kind: files, paths: [config] }}
plans:
  daily: {{ components: all, at: "02:00", keep: {{ daily: 7, weekly: 4, monthly: 12, yearly: 3 }} }}
alerts:
  duels: {{ kind: file, path: messages.jsonl }}
# The testing kit's fake chain on loopback: it lives as long as the demo runs.
chains:
  base:
    urls: ["{}"]
    chain_id: 8453
    confirmations: 12
    addresses: {{ hot_wallet: "{}", galleon_token: "{}" }}
)",
        chain_url, fake_address("hot wallet"), fake_address("galleon token"));
}

Result<SqliteConnection> open_game(const DemoWorld& world) {
    return SqliteConnection::open(world.folder / "game.db", SqliteConnection::Access::read_write);
}

std::int64_t seconds_now() { return now().microseconds / 1'000'000; }

} // namespace

Result<DemoWorld> make_demo_world(const io::Path& folder, const io::Path& schema_file,
                                  const std::string& chain_url) {
    TRY(io::make_folder(folder, 0755));
    DemoWorld world{
        .folder = folder, .players = player_count, .duel = stuck_duel, .withdrawal = failed_withdrawal
    };
    auto database = TRY(SqliteConnection::open(folder / "game.db", SqliteConnection::Access::create));
    TRY(database.run_script("pragma journal_mode = wal; pragma synchronous = normal;"));
    TRY(database.transaction([&]() -> Result<void> {
        TRY(database.run_script(TRY(io::read_file(schema_file))));
        world.rows = TRY(Writer(database, seconds_now()).write());
        return {};
    }));
    TRY(write_agent_files(folder));
    TRY(crypto::make_key_file(folder / "respawn.key"));
    TRY(io::create_durably(folder / "respawn.yaml", config_text(chain_url)));
    return world;
}

Result<void> break_duel(const DemoWorld& world) {
    return TRY(open_game(world))
        .run("update active_duels set last_move_at = ? where id = ?",
             { seconds_now() - 3 * 3'600 - 12 * 60, world.duel });
}

Result<void> break_withdrawal(const DemoWorld& world, FakeChain& chain) {
    const auto hash = fake_hash(fmt::format("withdrawal {}", world.withdrawal));
    chain.mine({ .hash = hash,
                 .from = fake_address("hot wallet"),
                 .to = fake_address("galleon token"),
                 .nonce = world.withdrawal,
                 .block = chain.height() - 40,
                 .succeeded = false });
    return TRY(open_game(world))
        .run("update withdrawal_requests set status = 'failed' where id = ?", { world.withdrawal });
}

Result<void> break_database(const DemoWorld& world) {
    const auto path = world.folder / "game.db";
    // What stands in the write-ahead log would hide the damage below it.
    TRY(TRY(open_game(world)).run("pragma wal_checkpoint(truncate)"));
    io::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.open())
        return io::system_error("open", path, errno);
    const std::string rubbish(6 * 4096, '\x5a');
    if (::pwrite(file.number(), rubbish.data(), rubbish.size(), 20 * 4096) !=
        static_cast<ssize_t>(rubbish.size()))
        return io::system_error("write", path, errno);
    return {};
}

} // namespace respawn::testkit
