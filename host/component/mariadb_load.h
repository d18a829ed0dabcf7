// Puts the tables of a MariaDB or MySQL backup into a database of their own and proves them: counts,
// checksums, foreign keys. Nothing that acts by itself (triggers, views, routines, events) is made.
#pragma once

#include "component/component.h"
#include "component/mariadb_tree.h"
#include "component/notes.h"

namespace respawn::component {

struct Loading {
    vault::Vault& from;
    const MariadbTree& tree;
    // Its database is not touched, but that it is given the sequences that columns will count up and
    // that it lacks: the server makes no such table without.
    const database::Login& login;
    std::string into; // a database that is not there yet
    const Work& work;
    // Columns that count up a sequence of the backed up database count up the one that is made.
    bool own_sequences = false;
};

// Makes the database. What it returns is {tables: {NAME: {rows, sum}}} as found at the server
// afterwards. Kind::failed_check naming the tables that came back otherwise. Violations of foreign keys
// that were there come back as they were and are noted.
Result<Value> load_tables(const Loading& loading, Notes& notes);

// Reads a table at the server and sums it up as a backup does.
Result<RowSum> sum_of_table(database::MariadbTables& server, const ServerTable& table,
                            const RowHasher& hasher);

// A CREATE statement with DEFINER=`user`@`host` taken out, so that the login is it.
std::string without_definer(const std::string& create);
Result<void> drop_object(database::MariadbTables& server, const ServerObject& object);
// In the settings that it was made in; one that is there is replaced. Where the login may not make it
// for its definer, it is made for the login, which is noted.
Result<void> make_object(database::MariadbTables& server, const ServerObject& object, Notes& notes);
// All but sequences; views until none is left that others wait for.
Result<void> make_objects(database::MariadbTables& server, const ServerSchema& schema, Notes& notes);

} // namespace respawn::component
