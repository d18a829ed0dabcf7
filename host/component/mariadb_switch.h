// Switching a database that was loaded beside the live one in for it. Every step can be done again, so
// that a restore that was killed anywhere, or whose server was, is completed by the next command: the
// tables change places in one RENAME TABLE, which the server does whole or not at all.
#pragma once

#include "component/mariadb_load.h"

namespace respawn::component {

struct DatabaseSwitch {
    std::string live;     // the database that the game uses
    std::string incoming; // loaded and proved
    std::string aside;    // where what is live goes, with the definitions of what acts by itself

    // With names that are free at the server.
    static Result<DatabaseSwitch> named(database::MariadbTables& server, const std::string& live,
                                        Moment moment);
    Value value(std::string_view step) const;
    static Result<DatabaseSwitch> from(const Value& record);
};

// Kind::conflict, naming them, while logins other than these are connected to the database.
Result<void> must_be_unused(database::MariadbTables& server, const std::string& live,
                            const std::vector<std::string>& own_users);

// What has to be known to complete the switch without the vault, in the component's state folder.
Result<void> begin_switch(const io::Path& state, const DatabaseSwitch& plan,
                          const ServerSchema& schema);
// What the live database has is put aside, what was loaded takes its place, and the record of the
// restore is cleared. Can be called again after being interrupted. When the tables cannot change places
// (a lock that is not free), what is live is as it was and what was loaded is gone. Kind::conflict,
// with nothing done, while others are connected and the tables have yet to change places.
Result<void> complete_switch(database::MariadbTables& server, const DatabaseSwitch& plan,
                             const std::vector<std::string>& own_users, const io::Path& state,
                             Notes& notes);

Result<bool> has_database(database::MariadbTables& server, const std::string& name);
Result<void> drop_database(database::MariadbTables& server, const std::string& name);

} // namespace respawn::component
