#include "service/managers.h"

#include <charconv>
#include <fmt/format.h>
#include <map>

#include "base/text.h"
#include "io/http.h"
#include "service/processes.h"

namespace respawn::service {

namespace {

// supervisord's numbers for the states of a process, and for faults.
constexpr int running_20 = 20, starting_10 = 10, backoff_30 = 30, stopping_40 = 40, exited_100 = 100,
              fatal_200 = 200, unknown_1000 = 1000;
constexpr int bad_name = 10, already_started = 60, not_running = 70;

std::string escaped(std::string_view text) {
    std::string all;
    for (const char c : text)
        all += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
    return all;
}

std::string unescaped(std::string text) {
    static constexpr std::pair<std::string_view, std::string_view> marks[] = {
        { "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&amp;", "&" }
    };
    for (const auto& [mark, character] : marks)
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1))
            text.replace(at, mark.size(), character);
    return text;
}

// In a part of a URL.
std::string percent_encoded(std::string_view text) {
    std::string all;
    for (const unsigned char c : text)
        all += std::isalnum(c) ? std::string(1, static_cast<char>(c)) : fmt::format("%{:02X}", c);
    return all;
}

// The members of the one struct in an answer, as texts: `<name>pid</name><value><int>7</int></value>`.
// There is nothing in these answers that would need a whole reader of XML.
using Members = std::map<std::string, std::string, std::less<>>;

std::string_view between(std::string_view text, std::size_t from, std::string_view first,
                         std::string_view last) {
    const auto begin = text.find(first, from);
    if (begin == std::string_view::npos)
        return {};
    const auto end = text.find(last, begin + first.size());
    return end == std::string_view::npos
               ? std::string_view()
               : text.substr(begin + first.size(), end - begin - first.size());
}

std::string without_type(std::string_view value) {
    value = trimmed(value);
    if (value.starts_with('<') && value.find('>') != std::string_view::npos)
        value = between(value, 0, ">", "</");
    return unescaped(std::string(value));
}

Members members_in(std::string_view xml) {
    Members members;
    for (auto at = xml.find("<member>"); at != std::string_view::npos;
         at = xml.find("<member>", at + 1))
        members.emplace(between(xml, at, "<name>", "</name>"),
                        without_type(between(xml, at, "<value>", "</value>")));
    return members;
}

std::string text_in(const Members& members, std::string_view name) {
    const auto found = members.find(name);
    return found == members.end() ? "" : found->second;
}

std::int64_t number_in(const Members& members, std::string_view name) {
    const auto text = text_in(members, name);
    std::int64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

State state_of(std::int64_t code, std::int64_t exit_status) {
    switch (code) {
    case running_20:
        return State::running;
    case starting_10:
        return State::starting;
    case backoff_30:
        return State::flapping;
    case stopping_40:
        return State::stopping;
    case exited_100:
        return exit_status == 0 ? State::stopped : State::failed;
    case fatal_200:
    case unknown_1000:
        return State::failed;
    default:
        return State::stopped;
    }
}

Unit unit_in(const Members& members) {
    const auto code = number_in(members, "state"), status = number_in(members, "exitstatus");
    Unit unit{ .state = state_of(code, status),
               .pid = number_in(members, "pid"),
               .why = printable(text_in(members, "spawnerr").substr(0, 300)) };
    if (const auto process = find_process(unit.pid); process && unit.pid > 0) {
        unit.process_start = process->start;
        unit.since = moment_of(process->start);
    } else if (unit.pid > 0) {
        unit.since = { number_in(members, "start") * 1'000'000 };
    }
    if (code == exited_100)
        unit.exit_code = static_cast<int>(status);
    return unit;
}

class Supervisord final : public Manager {
  public:
    explicit Supervisord(config::ServiceSettings settings) : settings_(std::move(settings)) {}

    Result<Unit> look(const config::UnitSettings& unit) override {
        const auto members = TRY(call("getProcessInfo", { unit.name }));
        if (members.contains("faultCode") && number_in(members, "faultCode") == bad_name)
            return Unit{ .state = State::unknown, .why = "supervisord has no such program" };
        TRY(must_be_done(members, 0));
        return unit_in(members);
    }
    Result<void> ask_to_start(const config::UnitSettings& unit) override {
        return must_be_done(TRY(call("startProcess", { unit.name }, "<boolean>0</boolean>")),
                            already_started);
    }
    Result<void> ask_to_stop(const config::UnitSettings& unit) override {
        return must_be_done(TRY(call("stopProcess", { unit.name }, "<boolean>0</boolean>")),
                            not_running);
    }
    Result<void> kill(const config::UnitSettings& unit) override {
        return must_be_done(TRY(call("signalProcess", { unit.name, "KILL" })), not_running);
    }
    Result<std::string> what_forbids(const config::UnitSettings&) override {
        return std::string(); // who may ask may do everything
    }

  private:
    Result<Members> call(std::string_view method, const std::vector<std::string>& texts,
                         std::string_view last = {}) const {
        std::string values;
        for (const auto& text : texts)
            values += fmt::format("<param><value><string>{}</string></value></param>", escaped(text));
        if (!last.empty())
            values += fmt::format("<param><value>{}</value></param>", last);
        const auto answer = TRY(io::send(
            { .method = "POST",
              .url = Secret("supervisord", url()),
              .shown = fmt::format("supervisord ({})", printable(settings_.socket.string())),
              .socket = settings_.socket.string(),
              .headers = { { "Content-Type", "text/xml" } },
              .body = fmt::format("<?xml version=\"1.0\"?><methodCall><methodName>supervisor.{}"
                                  "</methodName><params>{}</params></methodCall>",
                                  method, values),
              .deadline = std::chrono::seconds(20),
              .most_response_bytes = 256 * 1024,
              .repeatable = true,
              .most_attempts = 2 }));
        if (answer.status != 200)
            return Error{ .kind = Kind::unavailable,
                          .why = fmt::format("supervisord answered {}", answer.status),
                          .fix = "check `socket:`, and that [rpcinterface:supervisor] is configured" };
        return members_in(answer.body);
    }

    std::string url() const {
        const auto login = settings_.login.empty()
                               ? std::string()
                               : fmt::format("{}:{}@", percent_encoded(settings_.login),
                                             percent_encoded(settings_.password.reveal()));
        return fmt::format("http://{}localhost/RPC2", login);
    }

    // A fault that says that it is so already is none.
    static Result<void> must_be_done(const Members& members, std::int64_t harmless) {
        const auto code = number_in(members, "faultCode");
        if (!members.contains("faultCode") || code == harmless)
            return {};
        const auto kind = code == bad_name ? Kind::missing : Kind::unavailable;
        return Error{ .kind = kind,
                      .why = fmt::format("supervisord says {}",
                                         printable(text_in(members, "faultString").substr(0, 300))) };
    }

    config::ServiceSettings settings_;
};

} // namespace

std::unique_ptr<Manager> open_supervisord(const config::ServiceSettings& settings) {
    return std::make_unique<Supervisord>(settings);
}

} // namespace respawn::service
