// A fleet's journal for one world: a database of its own on a server, gone with the world.
#pragma once

#include "config/config.h"

#include <memory>

namespace respawn::testkit {

class JournalDatabase {
  public:
    // On the server of these settings, whose login may make databases.
    static Result<std::unique_ptr<JournalDatabase>> make(const config::JournalSettings& server);
    ~JournalDatabase();
    JournalDatabase(const JournalDatabase&) = delete;
    JournalDatabase& operator=(const JournalDatabase&) = delete;

    const config::JournalSettings& settings() const { return settings_; }

  private:
    JournalDatabase(config::JournalSettings server, config::JournalSettings settings, std::string name)
        : server_(std::move(server)), settings_(std::move(settings)), name_(std::move(name)) {}

    config::JournalSettings server_, settings_;
    std::string name_;
};

} // namespace respawn::testkit
