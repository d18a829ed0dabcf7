#include "io/http.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <httplib.h>
#include <thread>

using namespace respawn;
using namespace std::chrono_literals;

namespace {

// A server on loopback that runs while it lives. Routes are added before run().
struct Loopback {
    httplib::Server server;
    std::thread thread;
    int port = 0;
    std::atomic<int> asked = 0;

    void run() {
        server.set_keep_alive_max_count(1); // or its end waits for connections that are kept
        port = server.bind_to_any_port("127.0.0.1");
        thread = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running())
            std::this_thread::yield();
    }
    ~Loopback() {
        server.stop();
        if (thread.joinable())
            thread.join();
    }
    Secret url(const std::string& path) const {
        return { "url", "http://127.0.0.1:" + std::to_string(port) + path };
    }
};

io::HttpRequest get(Secret url) { return { .url = std::move(url), .deadline = 5s }; }

} // namespace

TEST_CASE("a request arrives whole and so does the answer") {
    Loopback loopback;
    loopback.server.Post("/echo", [](const httplib::Request& request, httplib::Response& response) {
        response.set_header("X-Key", request.get_header_value("Idempotency-Key"));
        response.set_content(request.body, "text/plain");
    });
    loopback.run();
    const std::string body("a\0b", 3);
    const auto answer = io::send({ .method = "POST",
                                   .url = loopback.url("/echo"),
                                   .headers = { { "Idempotency-Key", "k1" } },
                                   .body = body });
    REQUIRE(answer.ok());
    CHECK(answer.value().status == 200);
    CHECK(answer.value().body == body);
    CHECK(answer.value().headers.find("x-key")->second == "k1");
    CHECK(io::send(get(loopback.url("/nowhere"))).value().status == 404);
}

TEST_CASE("a passing trouble is tried again, but a POST only when it may arrive twice") {
    Loopback loopback;
    const auto busy_once = [&](const httplib::Request&, httplib::Response& response) {
        response.status = loopback.asked++ == 0 ? 503 : 200;
        response.set_header("Retry-After", "0");
    };
    loopback.server.Get("/busy", busy_once);
    loopback.server.Post("/busy", busy_once);
    loopback.run();
    SECTION("a GET") {
        CHECK(io::send(get(loopback.url("/busy"))).value().status == 200);
        CHECK(loopback.asked == 2);
    }
    SECTION("a POST") {
        const auto answer = io::send({ .method = "POST", .url = loopback.url("/busy") });
        CHECK(answer.error().kind == Kind::unavailable);
        CHECK(loopback.asked == 1);
    }
    SECTION("a POST that is repeatable") {
        const auto answer =
            io::send({ .method = "POST", .url = loopback.url("/busy"), .repeatable = true });
        CHECK(answer.value().status == 200);
        CHECK(loopback.asked == 2);
    }
}

TEST_CASE("a Retry-After past the deadline is not waited for") {
    Loopback loopback;
    loopback.server.Get("/busy", [&](const httplib::Request&, httplib::Response& response) {
        ++loopback.asked;
        response.status = 429;
        response.set_header("Retry-After", "3600");
    });
    loopback.run();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(io::send(get(loopback.url("/busy"))).error().kind == Kind::unavailable);
    CHECK(loopback.asked == 1);
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
}

TEST_CASE("each trouble has its kind, and no error shows the path or the query") {
    Loopback loopback;
    loopback.server.Get("/hunter2/denied", [](const httplib::Request&, httplib::Response& response) {
        response.status = 403;
    });
    loopback.server.Get("/hunter2/large", [](const httplib::Request&, httplib::Response& response) {
        response.set_content(std::string(100'000, 'x'), "text/plain");
    });
    loopback.server.Get("/hunter2/away", [](const httplib::Request&, httplib::Response& response) {
        response.set_redirect("file:///etc/passwd");
    });
    loopback.server.Get("/hunter2/slow", [](const httplib::Request&, httplib::Response& response) {
        std::this_thread::sleep_for(300ms);
        response.status = 200;
    });
    loopback.run();
    const auto error = [&](const std::string& path, Duration deadline = 5s) {
        auto request = get(loopback.url(path));
        request.deadline = deadline;
        request.most_response_bytes = 1000;
        const auto answer = io::send(request);
        REQUIRE_FALSE(answer.ok());
        CHECK((answer.error().why + answer.error().fix).find("hunter2") == std::string::npos);
        CHECK(answer.error().why.starts_with("http://127.0.0.1:"));
        return answer.error().kind;
    };
    CHECK(error("/hunter2/denied?key=hunter2") == Kind::denied);
    CHECK(error("/hunter2/large") == Kind::corrupt);
    CHECK(error("/hunter2/away") == Kind::corrupt);
    CHECK(error("/hunter2/slow", 50ms) == Kind::timeout);
    auto nobody = get(Secret("env:URL", "http://me:hunter2@127.0.0.1:1/hunter2"));
    nobody.most_attempts = 1;
    CHECK(io::send(nobody).error().kind == Kind::unavailable);
    CHECK(io::send(nobody).error().why.find("hunter2") == std::string::npos);
    nobody.shown = "the webhook";
    CHECK(io::send(nobody).error().why.starts_with("the webhook"));
}

TEST_CASE("what cannot be sent is refused before anything is") {
    const auto kind = [](io::HttpRequest request) { return io::send(request).error().kind; };
    CHECK(kind(get(Secret("env:URL", "ftp://example/"))) == Kind::usage);
    CHECK(kind(get(Secret("env:URL", "file:///etc/passwd"))) == Kind::usage);
    CHECK(kind({ .method = "G\r\nX", .url = Secret("u", "http://127.0.0.1:1/") }) == Kind::usage);
    CHECK(kind({ .url = Secret("u", "http://127.0.0.1:1/"), .headers = { { "A", "b\r\nC: d" } } }) ==
          Kind::usage);
}

TEST_CASE("Ctrl-C ends a request that waits") {
    Loopback loopback;
    Cancellation cancel;
    loopback.server.Get("/slow", [&](const httplib::Request&, httplib::Response& response) {
        cancel.request();
        std::this_thread::sleep_for(1500ms);
        response.status = 200;
    });
    loopback.run();
    auto request = get(loopback.url("/slow"));
    request.cancel = &cancel;
    const auto begin = std::chrono::steady_clock::now();
    CHECK(io::send(request).error().kind == Kind::cancelled);
    CHECK(std::chrono::steady_clock::now() - begin < 1400ms);
}
