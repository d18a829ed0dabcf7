#include "run/game.h"

#include "base/text.h"
#include "location/locations.h"

#include <fmt/format.h>

namespace respawn::run {

namespace {

template <class Settings> std::vector<std::string> names_of(const std::vector<Settings>& all) {
    std::vector<std::string> names;
    for (const auto& settings : all)
        names.push_back(settings.name);
    return names;
}

template <class Settings>
Result<const Settings*> find(const std::vector<Settings>& all, std::string_view name,
                             std::string_view what) {
    for (const auto& settings : all)
        if (settings.name == name)
            return &settings;
    const auto names = names_of(all);
    const auto near = nearest(name, names);
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("there is no {} '{}' in the configuration", what, printable(name)),
                  .fix = near.empty() ? fmt::format("there {}: {}", names.size() == 1 ? "is" : "are",
                                                    names.empty() ? "none" : join(names, ", "))
                                      : fmt::format("did you mean {}?", near) };
}

} // namespace

Result<vault::Unlock> configured_unlock(const config::Config& config) {
    if (!config.passphrase.empty())
        return vault::Unlock::passphrase(config.passphrase);
    return vault::Unlock(TRY(crypto::read_key_file(config.key_file)));
}

// All of these here: in the header each file of the house would compile what they end and move.
Game::Game(config::Config config) : Game(std::move(config), {}) {}
Game::Game(config::Config config, Wraps wraps) : config_(std::move(config)), wraps_(std::move(wraps)) {}
Game::Game(Game&&) noexcept = default;
Game& Game::operator=(Game&&) noexcept = default;
Game::~Game() = default;

void Game::open_with(vault::Unlock unlock) { unlock_ = std::move(unlock); }

void Game::forget_database(std::string_view component) { databases_.erase(std::string(component)); }

void Game::play_on(Stage* stage) {
    components_.clear();
    databases_.clear();
    stage_ = stage;
}

Result<vault::Snapshot> Game::staged_from(std::string_view name) {
    if (!stage_)
        return Error{ .kind = Kind::internal, .why = "nothing is staged" };
    return stage_->backup_of(*TRY(find(config_.components, name, "component")));
}

Result<config::ComponentSettings> Game::settings_of(std::string_view name) {
    const auto* live = TRY(find(config_.components, name, "component"));
    if (stage_)
        return stage_->place(*live);
    return *live;
}

Result<const vault::Unlock*> Game::unlock() {
    if (!unlock_)
        unlock_ = TRY(configured_unlock(config_));
    return &*unlock_;
}

Result<Places*> Game::places() {
    if (!places_)
        places_ = std::make_unique<Places>(config_, *TRY(unlock()));
    return places_.get();
}

Result<vault::Vault*> Game::vault() { return TRY(places())->first(false); }
Result<vault::Vault*> Game::vault_or_new() { return TRY(places())->first(true); }

Result<component::Component*> Game::component(std::string_view name) {
    auto& component = components_[std::string(name)];
    if (!component)
        component = TRY(component::open_component(TRY(settings_of(name))));
    return component.get();
}

Result<database::Database*> Game::database(std::string_view name) {
    auto& database = databases_[std::string(name)];
    if (!database) {
        database = TRY(database::open_database(TRY(settings_of(name))));
        if (wraps_.database)
            database = wraps_.database(std::move(database));
    }
    return database.get();
}

Result<std::string> Game::only_database() const {
    std::vector<std::string> names;
    for (const auto& settings : config_.components)
        if (database::is_database(settings))
            names.push_back(settings.name);
    if (names.size() == 1)
        return names.front();
    return Error{ .kind = Kind::script,
                  .why = fmt::format("the configuration has {}, and the call names none",
                                     names.empty() ? "no database"
                                                   : "several databases: " + join(names, ", ")),
                  .fix = "give component = NAME" };
}

Result<chain::Chain*> Game::chain(std::string_view name) {
    auto& chain = chains_[std::string(name)];
    if (!chain)
        chain = std::make_unique<chain::Chain>(
            TRY(chain::open_chain(*TRY(find(config_.chains, name, "chain")))));
    return chain.get();
}

Result<notify::Notifier*> Game::channel(std::string_view name) {
    if (stage_)
        return Error{ .kind = Kind::internal, .why = "a rehearsal would send a message" };
    auto& channel = channels_[std::string(name)];
    if (!channel)
        channel = TRY(notify::open_notifier(*TRY(find(config_.alerts, name, "channel"))));
    return channel.get();
}

Result<service::Services*> Game::services() {
    if (!config_.services)
        return Error{ .kind = Kind::usage,
                      .why = "the configuration has no services",
                      .fix = "name their manager and units under `services:` in respawn.yaml" };
    if (!services_)
        services_ = std::make_unique<service::Services>(
            TRY(service::open_services(*config_.services, config_.state / "services" / "stopped")));
    return services_.get();
}

// Results in the journal are sealed under a key of the vault's, so that whoever may read the backups
// may resume. It is remembered in the state folder, sealed under what opens the vault, for the night
// when the vault's location is out of reach.
Result<crypto::Key> Game::journal_key() {
    constexpr std::string_view purpose = "respawn journal key";
    const auto remembered = config_.state / "journal.key";
    const auto& unlock = *TRY(this->unlock());
    if (const auto box = io::read_file(remembered, 4096); box.ok())
        if (const auto bytes = unlock.open(purpose, box.value()); bytes.ok())
            return crypto::Key::from_bytes(bytes.value());
    const auto key = TRY(vault_or_new())->purpose_key("journal");
    TRY(io::make_folder(config_.state));
    TRY(io::replace_durably(remembered, TRY(unlock.seal(purpose, key.bytes()))));
    return key;
}

Result<journal::Journal*> Game::journal() {
    if (!journal_) {
        const auto key = TRY(journal_key());
        journal_ =
            TRY(config_.journal ? journal::open_fleet_journal(*config_.journal, key)
                                : journal::open_local_journal(config_.state / "journal.db", key));
        if (wraps_.journal)
            journal_ = wraps_.journal(std::move(journal_));
    }
    return journal_.get();
}

component::Work Game::work(std::string_view component, const Cancellation& cancel) const {
    component::Work work{ .cancel = cancel,
                          .progress = {},
                          .state =
                              (stage_ ? stage_->state() : config_.state) / "components" / component };
    work.keep_out.push_back(config_.state);
    for (const auto& settings : config_.locations)
        if (const auto folder = location::local_folder(settings.url); !folder.empty())
            work.keep_out.push_back(folder);
    return work;
}

Result<io::Path> Game::scratch() {
    if (!scratch_)
        scratch_ = std::make_unique<io::TemporaryFolder>(
            TRY(io::TemporaryFolder::make(config_.state / "scratch")));
    return scratch_->path();
}

} // namespace respawn::run
