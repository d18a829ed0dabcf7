#include "base/value.h"
#include "notify/notify.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <httplib.h>
#include <thread>

using namespace respawn;
using notify::Message;

namespace {

struct Place {
    io::TemporaryFolder folder = io::TemporaryFolder::make().value();
    io::Path file = folder.path() / "alerts" / "messages.jsonl";
    std::unique_ptr<notify::Notifier> notifier =
        notify::open_notifier({ .name = "duels", .kind = "file", .path = file }).value();

    std::vector<std::string> lines() const {
        const auto text = io::read_file(file).value();
        std::vector<std::string> found;
        for (std::size_t at = 0; at < text.size();) {
            const auto end = text.find('\n', at);
            REQUIRE(end != std::string::npos);
            found.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        return found;
    }
};

// A webhook on loopback that gives the statuses it was told, then 200.
struct Webhook {
    httplib::Server server;
    std::vector<int> statuses;
    std::vector<std::string> bodies, keys;
    std::thread thread;
    int port = 0;

    explicit Webhook(std::vector<int> first) : statuses(std::move(first)) {
        server.set_keep_alive_max_count(1);
        server.Post("/hunter2", [this](const httplib::Request& request, httplib::Response& response) {
            const auto number = bodies.size();
            bodies.push_back(request.body);
            keys.push_back(request.get_header_value("Idempotency-Key"));
            response.status = number < statuses.size() ? statuses[number] : 200;
        });
        port = server.bind_to_any_port("127.0.0.1");
        thread = std::thread([this] { server.listen_after_bind(); });
        while (!server.is_running())
            std::this_thread::yield();
    }
    ~Webhook() {
        server.stop();
        thread.join();
    }
    std::unique_ptr<notify::Notifier> notifier() const {
        const Secret url("env:HOOK", "http://127.0.0.1:" + std::to_string(port) + "/hunter2");
        return notify::open_notifier({ .name = "people", .kind = "webhook", .url = url }).value();
    }
};

const Message ended{ .title = "Duel 7", .text = "Your duel was \"ended\".\nSorry.", .id = "run1:5" };

} // namespace

TEST_CASE("a message is one line of JSON, and the same id twice is one message") {
    Place place;
    REQUIRE(place.notifier->send(ended).ok());
    REQUIRE(place.notifier->send(ended).ok());
    REQUIRE(place.notifier->send({ .title = "other", .id = "run1:6" }).ok());
    const auto lines = place.lines();
    REQUIRE(lines.size() == 2);
    const auto first = from_json(lines[0]).value();
    CHECK(first.text_at("text") == ended.text);
    CHECK(first.text_at("id") == "run1:5");
    CHECK(first.text_at("severity") == "info");
}

TEST_CASE("half a line of a writer that was killed spoils no other message") {
    Place place;
    REQUIRE(io::make_folder(place.file.parent_path()).ok());
    REQUIRE(io::create_durably(place.file, "{\"id\":\"run1:5\",\"te").ok());
    REQUIRE(place.notifier->send(ended).ok());
    const auto lines = place.lines();
    REQUIRE(lines.size() == 2);
    CHECK(from_json(lines[1]).value().text_at("id") == "run1:5");
}

TEST_CASE("many writers lose no message and write none twice") {
    Place place;
    std::vector<std::thread> writers;
    for (int writer = 0; writer < 4; ++writer)
        writers.emplace_back([&] {
            for (int number = 0; number < 10; ++number)
                (void)place.notifier->send({ .text = "x", .id = std::to_string(number) });
        });
    for (auto& writer : writers)
        writer.join();
    CHECK(place.lines().size() == 10);
}

TEST_CASE("a webhook gets the message and its key, again after a passing trouble") {
    Webhook hook({ 503 });
    REQUIRE(hook.notifier()->send(ended).ok());
    REQUIRE(hook.bodies.size() == 2);
    CHECK(hook.keys == std::vector<std::string>{ "run1:5", "run1:5" });
    const auto body = from_json(hook.bodies[1]).value();
    CHECK(body.text_at("content") == "Duel 7\n" + ended.text);
    CHECK(body.text_at("text") == body.text_at("content"));
    CHECK(body.text_at("id") == "run1:5");
}

TEST_CASE("a message too long for Discord is cut between two characters") {
    Webhook hook({});
    std::string longer = "x";
    for (int i = 0; i < 2000; ++i)
        longer += "ü";
    REQUIRE(hook.notifier()->send({ .text = longer, .id = "1" }).ok());
    const auto body = from_json(hook.bodies[0]).value();
    CHECK(body.text_at("text") == longer);
    CHECK(body.text_at("content").size() < 2000);
    CHECK(body.text_at("content").ends_with("ü …"));
}

TEST_CASE("a webhook's refusal has a kind and shows no URL") {
    Webhook hook({ 404, 401, 400 });
    const auto notifier = hook.notifier();
    for (const auto kind : { Kind::missing, Kind::denied, Kind::usage }) {
        const auto refused = notifier->send(ended);
        REQUIRE_FALSE(refused.ok());
        CHECK(refused.error().kind == kind);
        CHECK(refused.error().why.find("hunter2") == std::string::npos);
        CHECK(refused.error().why.find("env:HOOK") != std::string::npos);
    }
}

TEST_CASE("a message's id cannot smuggle a header in") {
    Webhook hook({});
    CHECK(hook.notifier()->send({ .text = "x", .id = "a\r\nX-Evil: 1" }).error().kind == Kind::usage);
    CHECK(hook.bodies.empty());
}

TEST_CASE("an unknown kind names the known ones") {
    const auto opened = notify::open_notifier({ .name = "a", .kind = "pigeon" });
    CHECK(opened.error().kind == Kind::usage);
    CHECK(opened.error().why == "'pigeon' is no kind of alert; known: file, webhook");
}
