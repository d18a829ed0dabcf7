#include "io/http.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <curl/curl.h>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <random>
#include <thread>

#include "base/text.h"

namespace respawn::io {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_header_bytes = 64 * 1024;
constexpr Duration first_pause = std::chrono::milliseconds(200);
constexpr Duration longest_pause = std::chrono::seconds(10);

struct CloseHandle {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct FreeHeaders {
    void operator()(curl_slist* headers) const { curl_slist_free_all(headers); }
};
using Headers = std::unique_ptr<curl_slist, FreeHeaders>;

// One handle a thread keeps that thread's connections open between requests.
CURL* fresh_handle() {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    thread_local const std::unique_ptr<CURL, CloseHandle> handle(started == CURLE_OK ? curl_easy_init()
                                                                                     : nullptr);
    if (handle)
        curl_easy_reset(handle.get());
    return handle.get();
}

// What is gathered of one answer, and why gathering stopped.
struct Answer {
    HttpResponse response;
    std::size_t most_bytes = 0;
    std::size_t header_bytes = 0;
    bool too_large = false;
    const Cancellation* cancel = nullptr;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t count, void* to) {
    auto& answer = *static_cast<Answer*>(to);
    if (answer.most_bytes - answer.response.body.size() < count) {
        answer.too_large = true;
        return 0;
    }
    answer.response.body.append(bytes, count);
    return count;
}

std::string lower(std::string_view text) {
    std::string lowered(text);
    std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lowered;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t count, void* to) {
    auto& answer = *static_cast<Answer*>(to);
    const std::string_view line(bytes, count);
    answer.header_bytes += count;
    if (answer.header_bytes > most_header_bytes) {
        answer.too_large = true;
        return 0;
    }
    if (line.starts_with("HTTP/")) { // of a redirect's target, or of what follows 100 Continue
        answer.response.headers.clear();
        answer.response.body.clear();
    } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
        answer.response.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
    }
    return count;
}

int stop_when_cancelled(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto& answer = *static_cast<Answer*>(to);
    return answer.cancel != nullptr && answer.cancel->requested() ? 1 : 0;
}

Error usage(std::string why) { return { .kind = Kind::usage, .why = std::move(why) }; }

Result<Headers> headers_of(const HttpRequest& request) {
    Headers headers;
    // "Expect:" empty, or curl waits a second for a 100 Continue before large bodies.
    std::vector<std::string> lines = { "Expect:" };
    for (const auto& [name, text] : request.headers) {
        if ((name + text).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            return usage(fmt::format("the header {} has a line break in it", printable(name)));
        lines.push_back(fmt::format("{}: {}", name, text));
    }
    for (const auto& line : lines) {
        auto* longer = curl_slist_append(headers.get(), line.c_str());
        if (longer == nullptr)
            return Error{ .kind = Kind::internal, .why = "out of memory" };
        (void)headers.release();
        headers.reset(longer);
    }
    return headers;
}

bool known_method(std::string_view method) {
    return method == "GET" || method == "HEAD" || method == "PUT" || method == "POST" ||
           method == "DELETE";
}

bool may_repeat(const HttpRequest& request) { return request.repeatable || request.method != "POST"; }

void set_method(CURL* handle, const HttpRequest& request) {
    if (request.method == "HEAD")
        curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    else if (request.method != "GET" || !request.body.empty()) {
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
        curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    // A connection that was kept may be closing just now; curl then sends again by itself, which only
    // what may arrive twice survives.
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, may_repeat(request) ? 0L : 1L);
}

void set_safety(CURL* handle, const std::string& url, const HttpRequest& request) {
    const char* same_scheme = url.starts_with("https:") ? "https" : "http";
    const bool follows = request.method == "GET" || request.method == "HEAD";
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, same_scheme);
    curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, same_scheme);
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, follows ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTP09_ALLOWED, 0L);
}

void set_time(CURL* handle, Duration left) {
    const auto milliseconds = std::max<long>(
        1, static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(left).count()));
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, milliseconds);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, std::min(milliseconds, 10'000L));
}

void set_answer(CURL* handle, Answer& answer) {
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, &answer);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, stop_when_cancelled);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &answer);
}

Kind kind_of(CURLcode code) {
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return Kind::timeout;
    case CURLE_URL_MALFORMAT:
        return Kind::usage;
    case CURLE_ABORTED_BY_CALLBACK:
        return Kind::cancelled;
    case CURLE_UNSUPPORTED_PROTOCOL: // a redirect to another scheme: our own was looked at before
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_TOO_MANY_REDIRECTS:
        return Kind::corrupt;
    default:
        return Kind::unavailable;
    }
}

bool never_sent(CURLcode code) {
    return code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ||
           code == CURLE_COULDNT_RESOLVE_PROXY;
}

bool is_about_certificates(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
}

// How one attempt ended.
struct Attempt {
    Result<HttpResponse> result;
    bool worth_repeating = false; // a passing trouble
    bool not_sent = false;        // and nothing has arrived
    std::optional<Duration> asked_pause = {};
};

Attempt not_answered(CURLcode code, const Answer& answer, const std::string& who) {
    if (answer.too_large)
        return { Error{
            .kind = Kind::corrupt,
            .why = fmt::format("{} answered with more than {}", who, human_size(answer.most_bytes)) } };
    // The library's own words for the code, which never contain the URL.
    Error error{ .kind = kind_of(code),
                 .why = fmt::format("{}: {}", who, lower(curl_easy_strerror(code))) };
    if (is_about_certificates(code))
        error.fix = "check the server's certificate, and this machine's clock and certificate store";
    const bool passing = error.kind == Kind::unavailable && !is_about_certificates(code);
    return { std::move(error), passing, never_sent(code) };
}

// "120", or a date.
std::optional<Duration> retry_after(const HttpResponse& response) {
    const auto found = response.headers.find("retry-after");
    if (found == response.headers.end())
        return std::nullopt;
    const auto& text = found->second;
    std::int64_t seconds = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (fault != std::errc() || end != text.data() + text.size()) {
        const auto date = curl_getdate(text.c_str(), nullptr);
        if (date < 0)
            return std::nullopt;
        seconds = static_cast<std::int64_t>(date) - now().microseconds / 1'000'000;
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, 24 * 3600));
}

Attempt judged(HttpResponse response, const std::string& who) {
    const int status = response.status;
    if (status == 401 || status == 403)
        return { Error{ .kind = Kind::denied,
                        .why = fmt::format("{} answered {}", who, status),
                        .fix = "check the credentials for it in the configuration" } };
    if (status != 408 && status != 429 && (status < 500 || status > 599))
        return { std::move(response) };
    Attempt attempt{ Error{ .kind = Kind::unavailable,
                            .why = fmt::format("{} answered {}", who, status),
                            .fix = "try again later" },
                     true };
    attempt.asked_pause = retry_after(response);
    return attempt;
}

Attempt attempt_once(const HttpRequest& request, const std::string& who, Duration left) {
    CURL* handle = fresh_handle();
    if (handle == nullptr)
        return { Error{ .kind = Kind::internal, .why = "the HTTP library could not be started" } };
    auto headers = headers_of(request);
    if (!headers.ok())
        return { headers.error() };
    const std::string url(request.url.reveal());
    Answer answer{ .most_bytes = request.most_response_bytes, .cancel = request.cancel };
    set_method(handle, request);
    set_safety(handle, url, request);
    set_time(handle, left);
    set_answer(handle, answer);
    curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
    if (!request.socket.empty())
        curl_easy_setopt(handle, CURLOPT_UNIX_SOCKET_PATH, request.socket.c_str());
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.value().get());
    const auto code = curl_easy_perform(handle);
    if (code != CURLE_OK)
        return not_answered(code, answer, who);
    long status = 0;
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    answer.response.status = static_cast<int>(status);
    return judged(std::move(answer.response), who);
}

// Between half of the span and all of it, so that many clients do not come back at one moment.
Duration with_jitter(Duration span) {
    thread_local std::minstd_rand random{ std::random_device{}() };
    std::uniform_int_distribution<std::int64_t> part(span.count() / 2, span.count());
    return Duration(part(random));
}

Result<void> pause(Duration span, const Cancellation* cancel) {
    const auto until = Clock::now() + span;
    while (Clock::now() < until) {
        if (cancel != nullptr)
            TRY(cancel->check());
        const auto left = std::chrono::duration_cast<Duration>(until - Clock::now());
        std::this_thread::sleep_for(std::min<Duration>(left, std::chrono::milliseconds(50)));
    }
    return {};
}

Result<void> must_be_sendable(const HttpRequest& request) {
    const auto url = request.url.reveal();
    if (!url.starts_with("http://") && !url.starts_with("https://"))
        return usage(fmt::format("the URL from {} begins with neither http:// nor https://",
                                 request.url.name()));
    if (!known_method(request.method))
        return usage(fmt::format("'{}' is no HTTP method", printable(request.method)));
    return {};
}

} // namespace

std::string origin_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos)
        return "the server";
    auto authority = url.substr(scheme + 3);
    authority = authority.substr(0, authority.find_first_of("/?#\\"));
    authority.remove_prefix(authority.rfind('@') + 1); // npos + 1 is 0
    return fmt::format("{}://{}", printable(url.substr(0, scheme)), printable(authority));
}

Result<HttpResponse> send(const HttpRequest& request) {
    TRY(must_be_sendable(request));
    const auto who = request.shown.empty() ? origin_of(request.url.reveal()) : request.shown;
    const auto end = Clock::now() + request.deadline;
    Duration grown = first_pause;
    for (int number = 1;; ++number) {
        auto attempt =
            attempt_once(request, who, std::chrono::duration_cast<Duration>(end - Clock::now()));
        const bool again = attempt.worth_repeating && number < request.most_attempts &&
                           (attempt.not_sent || may_repeat(request));
        const auto span = attempt.asked_pause.value_or(with_jitter(grown));
        if (!again || Clock::now() + span >= end)
            return std::move(attempt.result);
        TRY(pause(span, request.cancel));
        grown = std::min(grown * 2, longest_pause);
    }
}

} // namespace respawn::io
