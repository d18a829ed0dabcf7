#include "vault/pending.h"

#include "base/id.h"
#include "base/text.h"
#include "vault/document.h"
#include "vault/snapshot_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace respawn::vault {

namespace {

constexpr std::string_view pending_magic = "RSPN", ending_magic = "RSPF", pending_use = "keeping";
constexpr std::string_view pending_folder = "pending/", ending_suffix = ".end",
                           alive_prefix = "pending-";
constexpr auto between_signs = std::chrono::hours(4);
constexpr std::size_t largest_pending = 64 << 10;

std::string name_of(std::string_view id) { return fmt::format("{}{}", pending_folder, id); }
std::string ending_of(std::string_view id) {
    return fmt::format("{}{}{}", pending_folder, id, ending_suffix);
}
io::Path alive_file(const Vault::State& vault, std::string_view id) {
    return vault.cache / fmt::format("{}{}", alive_prefix, id);
}

std::string new_id() {
    auto id = make_ulid(now());
    std::ranges::transform(id, id.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    return id;
}

Result<void> put(Vault::State& vault, const std::string& name, std::string_view kind,
                 const Value& plain) {
    const auto sealed = seal_document(vault.keyring, kind, pending_use, name, encode(plain));
    io::TextSource source(sealed);
    return vault.location->create(name, source);
}

Result<Value> get(Vault::State& vault, const std::string& name, std::string_view kind) {
    const auto bytes = TRY(vault.location->read(name, { 0, largest_pending }));
    return decode(
        TRY(open_document(TRY(vault.keyring_for_document(bytes)), kind, pending_use, name, bytes)));
}

Value ending_value(const Ending& ending) {
    return Value::Map{ { "snapshot", ending.snapshot },
                       { "copy", Blob{ std::string(view(ending.copy)) } },
                       { "tombstone", ending.tombstone } };
}

Result<Ending> read_ending(Vault::State& vault, std::string_view id) {
    const auto value = TRY(get(vault, ending_of(id), ending_magic));
    const auto* copy = value.at("copy").blob();
    if (!copy || copy->bytes.size() != 16)
        return damaged(fmt::format("{} does not say how the backup ended", ending_of(id)));
    return Ending{ value.text_at("snapshot"), id_from<ChunkId>(copy->bytes),
                   value.text_at("tombstone") };
}

// "pending/ULID", "pending/ULID.0001" or "pending/ULID.end": its ULID, else empty.
std::string id_in(std::string_view name) {
    const auto rest = name.substr(std::min(name.size(), pending_folder.size()));
    const auto dot = rest.find('.');
    const std::string id(rest.substr(0, dot));
    const auto suffix = dot == std::string_view::npos ? std::string_view() : rest.substr(dot);
    const bool sign = suffix.size() == 5 && suffix.find_first_not_of("0123456789", 1) == suffix.npos;
    std::string upper = id;
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
    const bool known = suffix.empty() || suffix == ending_suffix || sign;
    return name.starts_with(pending_folder) && known && is_ulid(upper) && upper != id ? id
                                                                                      : std::string();
}

bool is_trouble(const Error& error) {
    return error.kind != Kind::corrupt && error.kind != Kind::missing;
}

Result<void> add_sign(Vault::State& vault, Seen& seen, const std::string& name) {
    seen.files.push_back(name);
    const auto sign = get(vault, name, pending_magic);
    if (!sign.ok())
        return is_trouble(sign.error()) ? sign.error() : Result<void>();
    const Moment at{ sign.value().integer_at("at") };
    seen.last_sign = std::max(seen.last_sign.value_or(at), at);
    return {};
}

Result<void> add_ending(Vault::State& vault, Seen& seen, const std::string& name) {
    seen.ending_file = name;
    auto ending = read_ending(vault, seen.id);
    if (!ending.ok())
        return is_trouble(ending.error()) ? ending.error() : Result<void>();
    seen.ending = std::move(ending).value();
    return {};
}

// One at a time, so that a lock that is being made is not taken for one whose holder is dead.
Result<io::FileLock> pendings_lock(const Vault::State& vault) {
    return io::FileLock::lock(vault.cache / "pendings.lock");
}

Error given_up() {
    return Error{ .kind = Kind::timeout,
                  .why = "prune has given this backup up: it gave no sign of life for too long",
                  .fix = "take the backup again; what it stored and nobody removed is used" };
}

} // namespace

Pending::Pending(Vault::State& vault, std::string id, io::FileLock alive)
    : vault_(&vault), id_(std::move(id)), alive_(std::move(alive)),
      last_sign_(std::chrono::steady_clock::now()) {}

// The lock comes first: a pending whose lock is free belongs to a process that is dead.
Result<Pending> Pending::begin(Vault::State& vault) {
    TRY(settle_killed(vault));
    auto guard = std::optional(TRY(pendings_lock(vault)));
    auto id = new_id();
    auto alive = TRY(io::FileLock::lock(alive_file(vault, id)));
    guard.reset();
    Pending pending(vault, std::move(id), std::move(alive));
    TRY(pending.sign());
    return pending;
}

Result<void> Pending::sign() {
    const auto at = TRY(vault_->location->now());
    const auto name = signs_ == 0 ? name_of(id_) : fmt::format("{}.{:04}", name_of(id_), signs_);
    TRY(put(*vault_, name, pending_magic, Value::Map{ { "at", at.microseconds } }));
    ++signs_;
    last_sign_ = std::chrono::steady_clock::now();
    return {};
}

Result<void> Pending::stay_alive() {
    if (std::chrono::steady_clock::now() - last_sign_ < between_signs || signs_ > 9999)
        return {};
    return sign();
}

Result<void> Pending::must_be_open() const {
    const auto ending = vault_->location->read(ending_of(id_), { 0, 1 });
    if (ending.ok())
        return given_up();
    return ending.error().kind == Kind::missing ? Result<void>() : ending.error();
}

Result<void> Pending::commit(const Snapshot& snapshot, const ChunkId& copy) {
    const Ending ending{ snapshot.id, copy, tombstone_name(snapshot.writer, snapshot.number) };
    auto written = put(*vault_, ending_of(id_), ending_magic, ending_value(ending));
    if (written.ok() || written.error().kind != Kind::conflict)
        return written;
    return given_up();
}

Result<void> Pending::end_without_snapshot() {
    if (!TRY(give_up(*vault_, id_)))
        return damaged(fmt::format("{} has ended otherwise", name_of(id_)));
    done();
    return {};
}

void Pending::done() { ::unlink(alive_file(*vault_, id_).c_str()); }

Result<bool> give_up(Vault::State& vault, const std::string& pending) {
    const auto written = put(vault, ending_of(pending), ending_magic, ending_value(Ending{}));
    if (written.ok())
        return true;
    return written.error().kind == Kind::conflict ? Result<bool>(false) : written.error();
}

// Another one that completes it at the same time seals other bytes of the same document.
Result<void> complete(Vault::State& vault, const Ending& ending) {
    const auto name = snapshot_name(ending.snapshot);
    for (const auto& file : { name, ending.tombstone }) {
        const auto there = vault.location->read(file, { 0, 1 });
        if (there.ok() || there.error().kind != Kind::missing)
            return there.ok() ? Result<void>() : there.error();
    }
    TRY(vault.refresh_index());
    const auto document = TRY(vault.blob(ending.copy, BlobKind::snapshot));
    const auto sealed = seal_snapshot(vault.keyring, ending.snapshot, document);
    TRY(open_snapshot(vault.keyring, ending.snapshot, sealed));
    io::TextSource source(sealed);
    auto created = vault.location->create(name, source);
    return created.ok() || created.error().kind == Kind::conflict ? Result<void>() : created;
}

Result<void> settle_killed(Vault::State& vault) {
    const auto guard = TRY(pendings_lock(vault));
    std::error_code failed;
    for (std::filesystem::directory_iterator at(vault.cache, failed), end; !failed && at != end;
         at.increment(failed)) {
        const auto file = at->path().filename().string();
        const auto id = id_in(fmt::format("{}{}", pending_folder,
                                          file.substr(std::min(file.size(), alive_prefix.size()))));
        if (!file.starts_with(alive_prefix) || id.empty())
            continue;
        const auto dead = io::FileLock::try_lock(at->path());
        if (!dead.ok() || !dead.value())
            continue;
        if (!TRY(give_up(vault, id)))
            if (const auto ending = read_ending(vault, id);
                ending.ok() && !ending.value().snapshot.empty())
                TRY(complete(vault, ending.value()));
        ::unlink(at->path().c_str());
    }
    return {};
}

Result<std::vector<Seen>> list_pendings(Vault::State& vault) {
    std::map<std::string, Seen> all;
    for (const auto& entry : TRY(vault.location->list(pending_folder))) {
        const auto id = id_in(entry.name);
        if (id.empty())
            continue;
        auto& seen = all[id];
        seen.id = id;
        seen.begun = seen.begun || entry.name == name_of(id);
        TRY(entry.name == ending_of(id) ? add_ending(vault, seen, entry.name)
                                        : add_sign(vault, seen, entry.name));
    }
    std::vector<Seen> list;
    for (auto& [id, seen] : all)
        list.push_back(std::move(seen));
    return list;
}

std::string pending_fault(Vault::State& vault, std::string_view name, std::string_view bytes) {
    const bool ending = name.ends_with(ending_suffix);
    const auto ring = vault.keyring_for_document(bytes);
    if (!ring.ok())
        return ring.error().why;
    const auto opened =
        open_document(ring.value(), ending ? ending_magic : pending_magic, pending_use, name, bytes);
    return opened.ok() ? std::string() : opened.error().why;
}

} // namespace respawn::vault
