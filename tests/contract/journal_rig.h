// Every store that a journal is kept in, and the records that its tests write.
#pragma once

#include "base/id.h"
#include "journal/journal.h"

#include <catch2/catch.hpp>
#include <functional>

namespace respawn::testing {

// Where a journal of its own is; one line a store.
struct JournalRig {
    std::string store;
    std::function<config::ComponentSettings(const io::Path& folder)> make; // an empty place
    std::function<Result<std::unique_ptr<journal::Journal>>(const config::ComponentSettings& place,
                                                            const crypto::Key& key)>
        open;
    std::function<void(const config::ComponentSettings& place)> remove;
    // By another hand than the journal's; statements with ';' between them.
    std::function<bool(const config::ComponentSettings& place, const std::string& statements)> sql;
};
std::vector<JournalRig> journal_rigs();

// A database of its own on the shared PostgreSQL server, and gone again.
config::ComponentSettings new_fleet_database();
void drop_fleet_database(const config::ComponentSettings& place);
// As postgres there; false when the server refuses it.
bool fleet_sql(const config::ComponentSettings& place, const std::string& sql);

inline const std::string canary = "wallet-0xCANARY-77";
journal::RunRecord new_run(std::string target = "/");
journal::CallRecord call(std::int64_t position, journal::Policy policy = journal::Policy::none,
                         journal::CallState state = journal::CallState::done);

} // namespace respawn::testing
