// The real servers that tests talk to (tests/servers): those that the suite started for all, or, where
// a program runs by itself, its own; and ones for a single test that is going to crash them.
#pragma once

#include "io/file.h"

#include <map>
#include <optional>
#include <string>

namespace respawn::testing {

using Variables =
    std::map<std::string, std::string>; // "PORT" → "13306", as tests/servers/README.md names them

// Started when it is first asked for.
const Variables& shared_server(const std::string& name);
io::Path shared_folder(const std::string& name); // its logs, and tls/

// Ends with its owner.
class OwnServer {
  public:
    explicit OwnServer(std::string name, std::string options = {});
    ~OwnServer();
    OwnServer(const OwnServer&) = delete;
    OwnServer& operator=(const OwnServer&) = delete;
    const Variables& variables() const { return variables_; }
    io::Path folder() const;
    void crash() const; // SIGKILL
    void start();

  private:
    std::string name_, options_;
    std::optional<io::TemporaryFolder> place_;
    Variables variables_;
};

} // namespace respawn::testing
