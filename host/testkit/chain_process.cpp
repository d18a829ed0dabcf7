#include "testkit/chain_process.h"

#include "base/frame.h"
#include "base/text.h"
#include "testkit/fake_chain.h"

#include <csignal>
#include <fmt/format.h>
#include <map>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace respawn::testkit {

namespace {

constexpr auto patience = std::chrono::seconds(30);

const Value::List& told_list(const Value& script, std::string_view key) {
    static const Value::List none;
    return script.at(key).list() ? *script.at(key).list() : none;
}

FakeTransaction transaction_from(const Value& told) {
    const auto* succeeded = told.at("succeeded").boolean();
    return { .hash = told.text_at("hash"),
             .from = told.text_at("from"),
             .to = told.text_at("to"),
             .nonce = told.integer_at("nonce"),
             .block = told.integer_at("block"),
             .succeeded = !succeeded || *succeeded };
}

FakeTransfer transfer_from(const Value& told) {
    return { .token = told.text_at("token"),
             .from = told.text_at("from"),
             .to = told.text_at("to"),
             .amount = told.text_at("amount"),
             .block = told.integer_at("block"),
             .transaction = told.text_at("transaction") };
}

Result<Fault> fault_named(const std::string& name) {
    static const std::map<std::string, Fault> faults = {
        { "", Fault::none },           { "html", Fault::html },
        { "slow", Fault::slow },       { "server_error", Fault::server_error },
        { "refusal", Fault::refusal }, { "reorganising", Fault::reorganising },
    };
    if (const auto found = faults.find(name); found != faults.end())
        return found->second;
    return Error{ .kind = Kind::script,
                  .why = fmt::format("a fake chain has no fault '{}'", printable(name)),
                  .fix = "html, slow, server_error, refusal or reorganising" };
}

void tell(FakeChain& chain, const Value& script, Fault fault) {
    for (const auto& told : told_list(script, "mined"))
        chain.mine(transaction_from(told));
    for (const auto& told : told_list(script, "pending"))
        chain.wait(transaction_from(told));
    for (const auto& told : told_list(script, "transfers"))
        chain.transfer(transfer_from(told));
    if (const auto* nonces = script.at("nonces").map())
        for (const auto& [address, nonce] : *nonces)
            chain.set_first_nonce(address, nonce.integer() ? *nonce.integer() : 0);
    chain.set_fault(fault);
}

// In the new process: serves until the owner kills it, or is gone.
[[noreturn]] void serve(const Value& script, Fault fault, int owner) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    FakeChain chain(script.integer_at("height", 10'000), now(), script.integer_at("block_seconds", 2),
                    script.integer_at("chain_id", 8453));
    tell(chain, script, fault);
    if (!send_frame(owner, chain.url()).ok())
        ::_exit(1);
    for (;;)
        ::pause();
}

} // namespace

Result<ChainProcess> ChainProcess::start(const Value& script) {
    const auto fault = TRY(fault_named(script.text_at("fault")));
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return io::system_error("open a socket for", "a fake chain", errno);
    const io::Descriptor ours(ends[0]);
    io::Descriptor theirs(ends[1]);
    const auto process = ::fork();
    if (process < 0)
        return io::system_error("start", "a fake chain", errno);
    if (process == 0)
        serve(script, fault, theirs.number());
    ChainProcess chain(process, {});
    theirs.close();
    const auto url =
        TRY(receive_frame(ours.number(), Patience{ std::chrono::steady_clock::now() + patience }));
    if (!url.text())
        return Error{ .kind = Kind::internal, .why = "the fake chain does not say where it is" };
    chain.url_ = *url.text();
    return chain;
}

ChainProcess::ChainProcess(ChainProcess&& other) noexcept
    : process_(std::exchange(other.process_, -1)), url_(std::move(other.url_)) {}

ChainProcess::~ChainProcess() {
    if (process_ <= 0)
        return;
    ::kill(process_, SIGKILL);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

} // namespace respawn::testkit
