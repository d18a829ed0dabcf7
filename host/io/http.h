// An HTTP client: one request, one whole answer, within a deadline. TLS certificates are verified; GET
// and HEAD follow redirects, never to another scheme, other methods follow none. An Error never shows
// the URL, only what the caller calls it: URLs carry keys. Thread-safe; a thread reuses its
// connections.
#pragma once

#include "base/cancel.h"
#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace respawn::io {

struct HttpRequest {
    std::string method = "GET"; // GET, HEAD, PUT, POST, DELETE
    Secret url;                 // http or https
    std::string shown = {};     // what errors call the other side; the host's name if empty
    std::string socket = {};    // the path of a Unix socket to connect to, whatever the URL's host
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::string body = {};
    Duration deadline = std::chrono::seconds(30); // for all attempts together
    std::size_t most_response_bytes = 4 * 1024 * 1024;
    bool repeatable = false; // a POST that may arrive twice; all other methods may anyway
    int most_attempts = 4;
    const Cancellation* cancel = nullptr;
};

struct HttpResponse {
    int status = 0;
    std::map<std::string, std::string, std::less<>> headers; // names in lower case
    std::string body;
};

// Sends the request, again after a pause (doubling, with jitter, or what Retry-After asks for) when the
// server cannot be reached or answers 408, 429 or 5xx, and the request may be repeated. A request that
// was certainly not sent may always be.
//   Kind::denied       401 and 403
//   Kind::timeout      the deadline has passed
//   Kind::unavailable  not reached, dropped, or 408, 429 and 5xx to the end
//   Kind::corrupt      an answer larger than the limit, none of HTTP, or a redirect that is not
//   followed Kind::usage        a URL, method or header that cannot be sent
// Every other status is an answer, for the caller to judge.
Result<HttpResponse> send(const HttpRequest& request);

// "https://rpc.example:8545" of a URL: what may be shown of it.
std::string origin_of(std::string_view url);

} // namespace respawn::io
