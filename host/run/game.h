// The game as runs and verbs reach it: its vault, components, databases, channels and chains, from the
// configuration, each opened when it is first needed. Not thread-safe.
#pragma once

#include "chain/chain.h"
#include "component/component.h"
#include "config/config.h"
#include "database/database.h"
#include "journal/journal.h"
#include "notify/notify.h"
#include "run/places.h"
#include "service/services.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace respawn::run {

// What the configuration says opens the vault: its key file or its passphrase.
Result<vault::Unlock> configured_unlock(const config::Config& config);

// What is put around a journal or a database when the game opens it, and in place of the clock; nothing
// unless somebody watches (the testing kit's power cuts and its time).
struct Wraps {
    using Journal = std::unique_ptr<journal::Journal>;
    using Database = std::unique_ptr<database::Database>;
    std::function<Journal(Journal)> journal;
    std::function<Database(Database)> database;
    std::function<Moment()> clock;
};

// Where a game is played that is not the live one: a rehearsal's.
struct Stage {
    virtual ~Stage() = default;
    // The copy that stands for a live component. Called whenever one is about to be opened.
    virtual Result<config::ComponentSettings> place(const config::ComponentSettings& live) = 0;
    // What the copy was made from.
    virtual Result<vault::Snapshot> backup_of(const config::ComponentSettings& live) = 0;
    // In place of the state folder, for caches and restore records of the copies.
    virtual io::Path state() const = 0;
};

class Game {
  public:
    explicit Game(config::Config config);
    Game(config::Config config, Wraps wraps);
    Game(Game&&) noexcept;
    Game& operator=(Game&&) noexcept;
    ~Game();

    const config::Config& config() const { return config_; }
    // The clock that runbooks are given.
    Moment present() const { return wraps_.clock ? wraps_.clock() : now(); }
    // Before the vault is opened: with this, instead of what the configuration says.
    void open_with(vault::Unlock unlock);
    // At the first location that answers, reading also from the others. Kind::missing when there is
    // none yet and none is to be made. A vault that the state has seen before and that is gone now is
    // an error, never made anew.
    Result<vault::Vault*> vault();
    Result<vault::Vault*> vault_or_new();
    // All locations of it.
    Result<Places*> places();
    Result<component::Component*> component(std::string_view name);
    Result<database::Database*> database(std::string_view component);
    // The component a runbook means when it names none: the only database there is.
    Result<std::string> only_database() const;
    Result<chain::Chain*> chain(std::string_view name);
    Result<notify::Notifier*> channel(std::string_view name);
    // Kind::usage where the configuration has none.
    Result<service::Services*> services();
    Result<journal::Journal*> journal();

    // For a component's own caches and restore records.
    component::Work work(std::string_view component, const Cancellation& cancel) const;
    // A folder of this process for private copies, gone with it.
    Result<io::Path> scratch();
    // From now on the components and their databases are those of the stage: nothing that goes through
    // the game reaches a live one, and no message is sent. Null: the live ones again. What was open is
    // closed either way. Vault, chains and journal stay what they are.
    void play_on(Stage* stage);
    // Kind::internal when nothing is staged.
    Result<vault::Snapshot> staged_from(std::string_view component);

    // Leaves a component's database aside, to be opened anew: a restore has put another in its place.
    void forget_database(std::string_view component);

  private:
    Result<const vault::Unlock*> unlock();
    Result<crypto::Key> journal_key();
    Result<config::ComponentSettings> settings_of(std::string_view component);

    config::Config config_;
    Wraps wraps_;
    Stage* stage_ = nullptr;
    std::optional<vault::Unlock> unlock_;
    std::unique_ptr<Places> places_; // does not move: its vaults know it
    std::map<std::string, std::unique_ptr<component::Component>> components_;
    std::map<std::string, std::unique_ptr<database::Database>> databases_;
    std::map<std::string, std::unique_ptr<chain::Chain>> chains_;
    std::map<std::string, std::unique_ptr<notify::Notifier>> channels_;
    std::unique_ptr<service::Services> services_;
    std::unique_ptr<journal::Journal> journal_;
    std::unique_ptr<io::TemporaryFolder> scratch_;
};

} // namespace respawn::run
