// A made-up Wizards of X: enough of the game's data to protect, break and bring back. The same each
// time but for the times in it, which count back from now.
#pragma once

#include "base/result.h"
#include "io/file.h"
#include "testkit/fake_chain.h"

namespace respawn::testkit {

// Which things in the world will break.
struct DemoWorld {
    io::Path folder;
    std::int64_t players = 0, rows = 0;
    std::int64_t duel = 0, withdrawal = 0; // that can be made to fail
};

// Writes game.db (tables of `schema_file`), elizaos/memory, config, respawn.yaml and respawn.key into a
// new folder.
Result<DemoWorld> make_demo_world(const io::Path& folder, const io::Path& schema_file,
                                  const std::string& chain_url);

// A duel whose players both wait, for more than three hours.
Result<void> break_duel(const DemoWorld& world);
// A withdrawal that failed in a block of the chain, deep enough to be sure.
Result<void> break_withdrawal(const DemoWorld& world, FakeChain& chain);
// Rubbish over pages in the middle of the game's database file.
Result<void> break_database(const DemoWorld& world);

} // namespace respawn::testkit
