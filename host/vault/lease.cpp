#include "vault/lease.h"

#include "base/bytes.h"
#include "vault/document.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::vault {

namespace {

constexpr std::string_view lease_magic = "RSPL", lease_use = "keeping", lease_folder = "lease/";
constexpr std::size_t largest_lease = 64 << 10;

struct Held {
    std::uint64_t token = 0;
    std::string holder, host;
    Moment at, until;
    bool released = true;
};

std::string name_of(std::uint64_t token) { return fmt::format("{}{:08}", lease_folder, token); }

std::uint64_t token_in(std::string_view name) {
    std::uint64_t token = 0;
    const auto digits = name.substr(std::min(name.size(), lease_folder.size()));
    std::from_chars(digits.data(), digits.data() + digits.size(), token);
    return name_of(token) == name ? token : 0;
}

Result<std::vector<std::uint64_t>> tokens(Vault::State& vault) {
    std::vector<std::uint64_t> found;
    for (const auto& entry : TRY(vault.location->list(lease_folder)))
        if (const auto token = token_in(entry.name); token > 0)
            found.push_back(token);
    std::ranges::sort(found);
    return found;
}

// A lease that cannot be read stops nobody: its holder is fenced by the next number.
Result<Held> read_held(Vault::State& vault, std::uint64_t token) {
    Held held{ .token = token, .holder = {}, .host = {}, .at = {}, .until = {} };
    const auto name = name_of(token);
    const auto bytes = vault.location->read(name, { 0, largest_lease });
    if (!bytes.ok())
        return bytes.error().kind == Kind::missing ? Result<Held>(held) : bytes.error();
    const auto plain = open_document(TRY(vault.keyring_for_document(bytes.value())), lease_magic,
                                     lease_use, name, bytes.value());
    const auto value = plain.ok() ? decode(plain.value()) : plain.error();
    if (!value.ok())
        return held;
    held.holder = value.value().text_at("holder");
    held.host = value.value().text_at("host");
    held.at = { value.value().integer_at("at") };
    held.until = { value.value().integer_at("until") };
    held.released = held.until <= held.at;
    return held;
}

std::string this_host() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

io::Path holder_file(const Vault::State& vault) { return vault.cache / "lease"; }

Error leased(const std::string& host, Moment until) {
    return Error{ .kind = Kind::leased,
                  .why = fmt::format("another prune or cleanup of this vault runs on {}", host),
                  .fix = fmt::format("let it finish; if it is dead, try again after {}",
                                     to_rfc3339(until, true)) };
}

Error taken_over() {
    return Error{ .kind = Kind::leased,
                  .why = "another prune or cleanup has taken over: this one was too slow",
                  .fix = "let the other finish; what this one began is continued by the next" };
}

} // namespace

// A holder that claims more time than it can have wrote it under a clock that has gone back since.
Result<Lease> Lease::take(Vault::State& vault, Duration span) {
    auto lock = TRY(io::FileLock::try_lock(vault.cache / "lease.lock"));
    if (!lock)
        return leased("this machine", { TRY(vault.location->now()) + span });
    Lease lease(vault, span, std::move(*lock));
    lease.taken_ = TRY(vault.location->now());
    const auto known = TRY(tokens(vault));
    if (!known.empty()) {
        const auto held = TRY(read_held(vault, known.back()));
        const auto own = io::read_file(holder_file(vault), 4096);
        const bool dead = own.ok() && own.value() == held.holder;
        const bool alive =
            !held.released && !dead && lease.taken_ < held.until && held.at <= lease.taken_ + span;
        if (alive)
            return leased(held.host, held.until);
        lease.token_ = held.token;
        if (held.at.microseconds != 0)
            lease.last_used_ = held.at;
    }
    lease.holder_ = respawn::to_hex(crypto::random_bytes(16));
    TRY(io::replace_durably(holder_file(vault), lease.holder_));
    TRY(lease.advance(false));
    return lease;
}

Result<void> Lease::advance(bool released) {
    const auto at = TRY(vault_->location->now());
    const auto name = name_of(token_ + 1);
    const auto until = released ? at : at + span_;
    const auto sealed = seal_document(vault_->keyring, lease_magic, lease_use, name,
                                      encode(Value::Map{ { "holder", holder_ },
                                                         { "host", this_host() },
                                                         { "at", at.microseconds },
                                                         { "until", until.microseconds } }));
    io::TextSource source(sealed);
    const auto created = vault_->location->create(name, source);
    if (!created.ok())
        return created.error().kind == Kind::conflict ? taken_over() : created.error();
    ++token_;
    renewed_ = std::chrono::steady_clock::now();
    return {};
}

Result<void> Lease::hold() {
    const auto known = TRY(tokens(*vault_));
    if (known.empty() || known.back() != token_)
        return taken_over();
    return std::chrono::steady_clock::now() - renewed_ > span_ / 2 ? advance(false) : Result<void>();
}

// The lower numbers go; the highest stays, so that the numbers go on rising.
Result<void> Lease::release() {
    TRY(advance(true));
    for (const auto token : TRY(tokens(*vault_)))
        if (token < token_)
            TRY(vault_->location->remove(name_of(token)));
    return {};
}

Result<std::optional<Moment>> lease_last_used(Vault::State& vault) {
    const auto known = TRY(tokens(vault));
    if (known.empty())
        return std::optional<Moment>();
    const auto held = TRY(read_held(vault, known.back()));
    return held.at.microseconds == 0 ? std::optional<Moment>() : std::optional(held.at);
}

std::string lease_fault(Vault::State& vault, std::string_view name, std::string_view bytes) {
    const auto ring = vault.keyring_for_document(bytes);
    if (!ring.ok())
        return ring.error().why;
    const auto opened = open_document(ring.value(), lease_magic, lease_use, name, bytes);
    return opened.ok() ? std::string() : opened.error().why;
}

} // namespace respawn::vault
