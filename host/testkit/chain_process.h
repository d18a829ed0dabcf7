// A fake chain in a process of its own: its server has threads, and whoever forks to be killed must
// have none. It goes with its owner.
#pragma once

#include "base/value.h"
#include "io/file.h"

#include <sys/types.h>

namespace respawn::testkit {

class ChainProcess {
  public:
    // `script` is what the chain holds:
    //   {height, block_seconds, chain_id, mined, pending = [{hash, from, to, nonce, block, succeeded}],
    //    transfers = [{token, from, to, amount, block, transaction}], nonces = {address → number},
    //    fault}
    static Result<ChainProcess> start(const Value& script);
    ChainProcess(ChainProcess&& other) noexcept;
    ChainProcess& operator=(ChainProcess&&) = delete;
    ~ChainProcess();
    const std::string& url() const { return url_; }

  private:
    ChainProcess(pid_t process, std::string url) : process_(process), url_(std::move(url)) {}
    pid_t process_;
    std::string url_;
};

} // namespace respawn::testkit
