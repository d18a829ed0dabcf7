#include "run/workers.h"

#include <catch2/catch.hpp>
#include <sys/syscall.h>

using namespace respawn;

namespace {

// What becomes of a worker that tries this in its cage: the error, or the message it sent.
Result<Value> attempt(std::string_view what) {
    static const Cancellation never;
    auto worker =
        run::Worker::start({ { "attempt", what } }, { .program = testing::built("cage_probe") }, never);
    if (!worker.ok())
        return worker.error();
    return worker.value().receive();
}

} // namespace

TEST_CASE("in the cage memory and exceptions work") {
    for (const char* what : { "exception", "memory" })
        REQUIRE(attempt(what).value().text_at("kind") == "done");
}

TEST_CASE("from the cage nothing reaches a file, a socket, a process or executable memory") {
    for (const char* what :
         { "open", "openat", "socket", "fork", "execve", "kill", "ptrace", "read another",
           "write another", "executable memory", "make executable", "map a file", "catch signals" }) {
        INFO(what);
        const auto ended = attempt(what);
        REQUIRE_FALSE(ended.ok());
        REQUIRE(ended.error().kind == Kind::denied);
        REQUIRE(ended.error().why.find("tried something it may not") != std::string::npos);
    }
}

TEST_CASE("the call that was refused is named by its number") {
    REQUIRE(attempt("openat").error().why.find("(system call " + std::to_string(SYS_openat) + ")") !=
            std::string::npos);
}

TEST_CASE("a worker that sends what is no message ends with one error") {
    for (const char* what : { "garble", "half a message", "bomb" }) {
        INFO(what);
        REQUIRE(attempt(what).error().kind == Kind::corrupt);
    }
}

TEST_CASE("how a worker died is said") {
    REQUIRE(attempt("crash").error().why == "the script's process crashed (signal 4)");
    REQUIRE(attempt("early end").error().why == "the script's process ended early (exit 7)");
}
