// What of a database a scratch copy gets besides its tables: what a question may need, in a form that
// can reach nothing but the copy. What acts by itself (triggers, events) is never made.
#pragma once

#include "component/mariadb_schema.h"
#include "component/notes.h"

namespace respawn::component {

// True when SQL may mean something in the database of that name: `game`.`t`, game.t, game /* */ . t.
// It errs on the side of yes.
bool names_database(std::string_view sql, std::string_view database);

// Views and functions without their definers, views as whoever asks. Those that name one of the
// databases are left out and noted, one by one; so is, in one line, what is never made.
ServerSchema harmless_objects(const ServerSchema& schema, const std::vector<std::string>& databases,
                              Notes& notes);

} // namespace respawn::component
