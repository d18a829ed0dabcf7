// A world: one game in a folder of its own, with a database made from a schema and rows, a vault, a
// key, a channel for messages, and chains to ask. Everything is gone with it.
#pragma once

#include "config/config.h"
#include "testkit/chain_process.h"
#include "testkit/fuse.h"
#include "testkit/journal_database.h"

#include <memory>

namespace respawn::testkit {

class World {
  public:
    // In a new folder below `place`, or the system's temporary folder. `rows` is {table → [{column →
    // value}]}; foreign keys must hold when all are there. `files` is {name → text}, a component of its
    // own where there are any.
    static Result<std::unique_ptr<World>> make(const io::Path& place, const std::string& schema,
                                               const Value& rows, const Value& files);
    // From now on its runs are kept on this server.
    Result<void> keep_runs_at(const config::JournalSettings& server);

    const config::Config& config() const { return config_; }
    const io::Path& folder() const { return folder_.path(); }
    io::Path database() const { return folder() / "game/game.db"; }

    Result<Value> query(const std::string& sql, const Value::List& parameters) const;
    Result<void> execute(const std::string& sql, const Value::List& parameters) const;
    // Takes a backup of all components and gives its id.
    Result<Value> back_up() const;
    // Overwrites bytes of every page but the first; with a name, of that table's or index's first page
    // alone.
    Result<void> corrupt_database(const std::string& name) const;
    // Cuts the file off in the middle.
    Result<void> truncate_database() const;
    // What was sent, oldest first: {id, title, text, severity}.
    Result<Value> messages() const;
    // The names in the game's folder, sorted.
    Value file_names() const;
    // Chains that are asked from now on: one endpoint for each script (chain_process.h).
    Result<void> set_chain(const Value::List& endpoints);
    // The next run dies there.
    void cut_next_run(Cut cut) { next_cut_ = std::move(cut); }
    Cut take_cut() { return std::exchange(next_cut_, {}); }

  private:
    explicit World(io::TemporaryFolder folder) : folder_(std::move(folder)) {}
    Result<void> configure(const Value& files);
    Result<void> fill(const std::string& schema, const Value& rows) const;
    io::TemporaryFolder folder_;
    config::Config config_;
    std::unique_ptr<JournalDatabase> journal_;
    std::vector<ChainProcess> chains_;
    Cut next_cut_;
};

// Names that stand for what has to look real: "0x…". What is one already stays.
std::string hash_named(const std::string& name);
std::string address_named(const std::string& name);

} // namespace respawn::testkit
