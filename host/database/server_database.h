// A database on a server: logins, turns, retries, trials and commits whose answer was lost, whichever
// engine it is. What differs is the engine's (ServerEngine).
#pragma once

#include "base/time.h"
#include "database/database.h"
#include "database/markers.h"
#include "database/only_reads.h"
#include "database/server_changes.h"
#include "database/server_login.h"
#include "io/process.h"

namespace respawn::database {

// How long it may take; the server is told too.
struct Patience {
    Duration connecting = std::chrono::seconds(10);
    Duration statement = std::chrono::seconds(30);
    Duration lock = std::chrono::seconds(5);
    Duration idle = Duration::zero(); // in a transaction; zero: as the server has it
};

enum class Access { read_only, read_write };

class ServerSession : public Session {
  public:
    // False once the server has gone, or an answer was left half read: what was open there is rolled
    // back.
    virtual bool is_open() const = 0;
    // The last error was a deadlock or a wait for a lock: the same again may go well.
    virtual bool may_try_again() const = 0;
    // The last error: the server itself found that a statement would write.
    virtual bool would_write() const = 0;
};

struct ServerEngine {
    virtual ~ServerEngine() = default;
    // Kind::unavailable, Kind::denied, Kind::missing (no such database).
    virtual Result<std::unique_ptr<ServerSession>> connect(const Login& login, Access access,
                                                           const Patience& patience) = 0;
    virtual const ReadingRules& reading_rules() const = 0;
    virtual const MarkerTables& marker_tables() const = 0;
    virtual Result<void> begin(ServerSession& session) = 0;
    // From here to the last savepoint nothing is to be written; where the engine can hold to that.
    virtual Result<void> only_read(ServerSession&) { return {}; }
    // Begins, and waits until no other write of respawn's is under way in the database.
    virtual Result<void> begin_our_turn(ServerSession& session) = 0;
    // `history` is what earlier writes of the same transaction left behind; may be null.
    virtual std::unique_ptr<ServerChanges> changes(ServerSession& session, Moment moment,
                                                   History* history) = 0;
    virtual io::Program dump_program(const Login& login, const std::vector<std::string>& tables) = 0;
    virtual std::string_view dump_package() const = 0;
    // What the writing login lacks, and what the reading one could change.
    virtual Result<std::vector<Lack>> writer_lacks(ServerSession& session, const Login& login) = 0;
    virtual Result<std::vector<Lack>> reader_lacks(ServerSession& session, const Login& login) = 0;
};

std::unique_ptr<Database> make_server_database(std::unique_ptr<ServerEngine> engine, Login writer,
                                               std::optional<Login> reader);

} // namespace respawn::database
