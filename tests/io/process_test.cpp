#include "io/process.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <unistd.h>

using namespace respawn;

namespace {

Result<io::Ended> run_shell(const std::string& script, Duration deadline = std::chrono::seconds(20),
                            const Cancellation& cancel = Cancellation()) {
    return io::run_to_end({ .name = "sh", .arguments = { "-c", script } }, deadline, cancel);
}

} // namespace

TEST_CASE("a program that is run to its end tells how it ended and what it wrote") {
    const auto ended = run_shell("echo said; echo wrong >&2; exit 3").value();
    CHECK(ended.status == 3);
    CHECK(ended.output == "said\n");
    CHECK(ended.faults == "wrong\n");
    CHECK(run_shell("kill -9 $$").value().status == 128 + SIGKILL);
    CHECK(run_shell("printenv HOME").value().status == 1); // nothing of ours
    CHECK(io::run_to_end({ .name = "no-such-program" }, std::chrono::seconds(20), {}).error().kind ==
          Kind::missing);
}

TEST_CASE("of a program that writes without end the first part is kept, and it is killed in time") {
    const auto much = run_shell("head -c 1000000 /dev/zero; echo x >&2").value();
    CHECK(much.status == 0);
    CHECK(much.output.size() == 64 << 10);
    CHECK(run_shell("yes", std::chrono::milliseconds(100)).error().kind == Kind::timeout);
}

TEST_CASE("what a program leaves running is not waited for, unless it takes too long itself") {
    const auto ended = run_shell("sleep 1000 & echo $!").value();
    CHECK(::kill(std::stoi(ended.output), SIGKILL) == 0);
    Cancellation cancel;
    cancel.request();
    CHECK(run_shell("sleep 1000", std::chrono::seconds(20), cancel).error().kind == Kind::cancelled);
}
