// A database of its own at a scratch server. It is its owner's while a connection holds the lock of its
// name, which a process that is killed gives up.
#pragma once

#include "component/notes.h"
#include "database/mariadb_tables.h"

namespace respawn::component {

inline constexpr std::string_view scratch_prefix = "respawn_scratch_";

class ScratchDatabase {
  public:
    // Connected, without a name yet. `id` is that of ScratchPlace.
    static Result<std::unique_ptr<ScratchDatabase>> open(const database::Login& login,
                                                         const std::string& id);
    // Drops what it has.
    ~ScratchDatabase();
    ScratchDatabase(const ScratchDatabase&) = delete;
    ScratchDatabase& operator=(const ScratchDatabase&) = delete;

    // What others with the same id left at the server and do not use now.
    Result<void> drop_left(Notes& notes);
    // A name that is free, held from now on. The database is not made.
    Result<void> take_name();

    database::MariadbTables& keeper() { return *keeper_; } // without a database in use
    const std::string& name() const { return name_; }
    database::Login login() const; // with it in use

  private:
    explicit ScratchDatabase(const database::Login& login) : login_(login) {}
    Result<bool> hold(const std::string& name);
    Result<void> drop();

    const database::Login login_;
    const Cancellation never_; // what was begun is taken back, also when a person interrupts
    std::unique_ptr<database::MariadbTables> keeper_;
    std::string prefix_, name_;
};

} // namespace respawn::component
