// One service manager each, with the three services of tests/servers: one line a manager.
#pragma once

#include "contract/servers.h"
#include "service/service.h"

#include <functional>
#include <memory>

namespace respawn::testing {

// Ends with all that it started.
class ServiceRig {
  public:
    ServiceRig(config::ServiceSettings settings, io::Path folder, std::unique_ptr<OwnServer> server,
               std::optional<io::TemporaryFolder> place);
    ~ServiceRig();
    ServiceRig(const ServiceRig&) = delete;
    ServiceRig& operator=(const ServiceRig&) = delete;

    service::Manager& manager() { return *manager_; }
    const config::ServiceSettings& settings() const { return settings_; }
    // Quick to settle and to give up.
    config::UnitSettings unit(std::string_view name) const;
    // "fail", "dies" or "stubborn": from its next start on.
    void make(const std::string& name, const std::string& mode) const;

  private:
    config::ServiceSettings settings_;
    io::Path folder_;
    std::unique_ptr<OwnServer> server_;
    std::optional<io::TemporaryFolder> place_;
    std::unique_ptr<service::Manager> manager_;
};

struct ServiceRigKind {
    std::string name;
    std::function<std::unique_ptr<ServiceRig>()> open;
};
std::vector<ServiceRigKind> service_rigs();

} // namespace respawn::testing
