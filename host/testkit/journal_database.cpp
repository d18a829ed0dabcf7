#include "testkit/journal_database.h"

#include "base/id.h"
#include "database/postgres.h"

#include <algorithm>
#include <cctype>

namespace respawn::testkit {

namespace {

Result<void> run_there(const config::JournalSettings& server, const std::string& statement) {
    const auto session = TRY(database::connect_postgres(server.server, {}));
    return session->run(statement);
}

} // namespace

Result<std::unique_ptr<JournalDatabase>> JournalDatabase::make(const config::JournalSettings& server) {
    auto name = "respawn_test_" + make_ulid(now());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    TRY(run_there(server, "create database " + name).while_doing("make a world's journal", name));
    auto settings = server;
    auto& url = settings.server.url;
    url = url.substr(0, url.rfind('/') + 1) + name;
    return std::unique_ptr<JournalDatabase>(
        new JournalDatabase(server, std::move(settings), std::move(name)));
}

// A process that was killed may be connected to it for a moment yet.
JournalDatabase::~JournalDatabase() {
    (void)run_there(server_, "drop database " + name_ + " with (force)");
}

} // namespace respawn::testkit
