// Writing: packs, then index, then the snapshot, each durable before the next.
#include "vault/codec.h"
#include "vault/content_lists.h"
#include "vault/marks.h"
#include "vault/numbers.h"
#include "vault/pending.h"
#include "vault/snapshot_file.h"
#include "vault/writer_state.h"

#include "base/id.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_stored =
    3 << 18; // ids kept in memory before the merged index takes them: 16 MiB
constexpr std::size_t largest_inside_tree = 1 << 20;

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

} // namespace

// The pending, then the marks, then the packs: the order is what prune relies on
// (docs/vault-format.md).
Result<void> Writer::State::begin() {
    TRY(vault.complete_creation());
    pending.emplace(TRY(Pending::begin(vault)));
    const auto marks = TRY(list_marks(vault));
    TRY(vault.refresh_index());
    vault.recovered.clear();
    vault.recovered_places.clear();
    auto there = TRY(vault.location->list("packs/"));
    if (!marks.unreadable.empty()) // it may name any of them
        there.clear();
    const auto marked = marks.packs();
    std::erase_if(there, [&](const location::Entry& entry) {
        const auto id = pack_from_name(entry.name);
        return id.ok() && marked.contains(id.value());
    });
    TRY(vault.recover_unindexed(there, nullptr));
    for (const auto& pack : vault.recovered)
        if (pack.sound) {
            unindexed.push_back(pack.record);
            for (const auto& entry : pack.record.entries)
                stored.insert(entry.id);
        }
    vault.remember_met_damage();
    damaged = read_bad_places(vault);
    std::unordered_map<PackId, std::uint64_t, IdHash> sizes;
    for (const auto& entry : there)
        if (const auto id = pack_from_name(entry.name); id.ok())
            sizes.emplace(id.value(), entry.size);
    for (const auto& pack : vault.index.packs())
        if (const auto found = sizes.find(pack.id); found == sizes.end() || found->second != pack.size)
            absent.insert(pack.id);
    return {};
}

bool Writer::State::has(const ChunkId& id) const {
    const std::scoped_lock lock(sharing);
    return has_locked(id);
}

bool Writer::State::has_locked(const ChunkId& id) const {
    if (stored.contains(id))
        return true;
    const std::scoped_lock lock(vault.shared); // who reads meanwhile may follow the index
    const auto rows = vault.index.find(id);
    if (absent.empty() && damaged.empty()) // where they lie is on another page
        return !rows.empty();
    return std::ranges::any_of(rows, [&](const IndexRow& row) {
        const auto& pack = vault.index.packs()[row.pack].id;
        return !absent.contains(pack) && !damaged.contains({ pack, id });
    });
}

Result<bool> Writer::State::holds(const ChunkId& id, int depth) const {
    if (!has(id))
        return false;
    if (depth == 0)
        return true;
    const auto list = vault.blob(id, BlobKind::list);
    const auto items = list.ok() ? decode_list(list.value()) : list.error();
    if (!items.ok())
        return items.error().kind == Kind::corrupt || items.error().kind == Kind::missing
                   ? Result<bool>(false)
                   : items.error();
    const auto has_patch = [this](const Patch& patch) { return has(patch.blob); };
    for (const auto& item : items.value())
        if (!TRY(holds(item.id, depth - 1)) || !std::ranges::all_of(item.patches, has_patch))
            return false;
    return true;
}

Result<void> Writer::State::failing(Result<void> result) {
    if (!result.ok())
        failed = result.error();
    return result;
}

Result<void> Writer::State::create(std::string_view name, std::string_view bytes) {
    io::TextSource source(bytes);
    auto created = vault.location->create(name, source);
    const auto size = created.ok() ? bytes.size() : 0;
    counters.stored_bytes += size;
    index_bytes += size;
    return failing(std::move(created).while_doing("write to the vault", vault.location->url()));
}

void Writer::State::count_read(std::uint64_t bytes, bool reused) {
    const std::scoped_lock lock(sharing);
    counters.read_bytes += bytes;
    counters.reused_bytes += reused ? bytes : 0;
}

Result<ChunkId> Writer::State::put(BlobKind kind, std::string_view plain) {
    const auto id = vault.identify(kind, plain);
    const std::scoped_lock lock(sharing);
    TRY(put_locked(kind, id, plain));
    return id;
}

Result<void> Writer::State::put_locked(BlobKind kind, const ChunkId& id, std::string_view plain) {
    if (failed)
        return *failed;
    TRY(failing(pending->stay_alive()));
    if (has_locked(id)) {
        counters.reused_bytes += kind == BlobKind::data ? plain.size() : 0;
        return {};
    }
    if (plain.size() > max_blob)
        return Error{ .kind = Kind::unsupported,
                      .why = fmt::format("one object of {} bytes is more than a vault takes",
                                         plain.size()) };
    TRY(failing(packs.add(kind, id, std::string(plain))));
    stored.insert(id);
    ++counters.new_blobs;
    return packs.index_is_due() ? index_written() : Result<void>();
}

Result<void> Writer::State::put_coded(CodedBlob blob) {
    const std::scoped_lock lock(sharing);
    if (failed)
        return *failed;
    TRY(failing(pending->stay_alive()));
    if (has_locked(blob.id))
        return {};
    stored.insert(blob.id);
    TRY(failing(packs.add_coded(std::move(blob))));
    ++counters.new_blobs;
    return packs.index_is_due() ? index_written() : Result<void>();
}

Result<Content> Writer::State::store(io::Source& bytes) {
    Content content;
    ContentLists lists([this](std::string_view blob) { return put(BlobKind::list, blob); });
    const std::scoped_lock one_source(cutting);
    TRY(chunker.each(bytes, [&](std::string_view chunk) -> Result<void> {
        count_read(chunk.size());
        content.size += chunk.size();
        return lists.add({ TRY(put(BlobKind::data, chunk)), chunk.size() });
    }));
    const auto root = TRY(lists.finish());
    content.depth = root.depth;
    content.root = root.id;
    return content;
}

Result<ChunkId> Writer::State::store_tree(const Tree& tree) {
    TRY(must_be_tree(tree));
    const auto entries = encode_entries_of(tree);
    if (entries.size() <= largest_inside_tree)
        return put(BlobKind::tree, encode_small_tree(entries));
    io::TextSource source(entries);
    const auto content = TRY(store(source));
    return put(BlobKind::tree, encode_large_tree(content));
}

// Names the packs that are durable by now in an index file.
Result<void> Writer::State::index_written() {
    for (auto& pack : packs.take_written()) {
        counters.stored_bytes += pack.size;
        ++counters.packs;
        unindexed.push_back(std::move(pack));
    }
    if (unindexed.empty())
        return {};
    TRY(failing(pending->must_be_open()));
    const auto name = index_name(crypto::random_bytes(16));
    TRY(create(name, seal_index(vault.keyring, name, unindexed)));
    unindexed.clear();
    if (stored.size() < most_stored)
        return {};
    TRY(flush());
    // Where the cache has no room, the set goes on serving.
    const std::scoped_lock lock(vault.shared);
    if (vault.refresh_index().ok())
        stored.clear();
    return {};
}

// All packs, then the index that names them.
Result<void> Writer::State::flush() {
    TRY(failing(packs.flush()));
    return index_written();
}

Result<Snapshot> Writer::State::number_and_name(SnapshotDraft draft, const Chain& chain) {
    const auto stored_bytes = index_bytes + TRY(packs.settle());
    constexpr std::int64_t millisecond = 1000; // ids made of rising milliseconds sort like their times
    const auto began = draft.moment.value_or(draft.started);
    const auto took = now() - draft.started;
    Snapshot snapshot{ .game = std::move(draft.game),
                       .environment = std::move(draft.environment),
                       .host = host_name(),
                       .plan = std::move(draft.plan),
                       .type = std::move(draft.type),
                       .note = std::move(draft.note),
                       .writer = chain.writer,
                       .number = chain.number + 1,
                       .previous = chain.last,
                       .started = std::max(began.microseconds, chain.started + millisecond),
                       .stored_bytes = stored_bytes,
                       .program = RESPAWN_VERSION,
                       .components = std::move(draft.components) };
    snapshot.id = draft.moment ? make_past_ulid(began) : make_ulid({ snapshot.started });
    snapshot.finished = draft.moment ? snapshot.started + std::max<std::int64_t>(took.count(), 0)
                                     : std::max(now().microseconds, snapshot.started);
    auto report = draft.report.map() ? *draft.report.map() : Value::Map{};
    const auto count = [&](std::string name, std::uint64_t number) {
        report.insert_or_assign(std::move(name), static_cast<std::int64_t>(number));
    };
    count("read_bytes", counters.read_bytes);
    count("reused_bytes", counters.reused_bytes);
    count("new_blobs", counters.new_blobs);
    snapshot.report = std::move(report);
    return snapshot;
}

// Prune may have completed it meanwhile: the same document, sealed in other bytes. It may even have
// been removed since.
Result<void> Writer::State::publish(const std::string& id, const std::string& document) {
    const auto name = snapshot_name(id);
    auto created = create(name, seal_snapshot(vault.keyring, id, document));
    if (created.ok() || created.error().kind != Kind::conflict)
        return created;
    const auto there = vault.location->read(name, { 0, max_document });
    if (!there.ok())
        return there.error().kind == Kind::missing ? Result<void>() : there.error();
    const auto found = open_snapshot_document(vault.keyring, id, there.value());
    return found.ok() && found.value() == document ? Result<void>() : created;
}

Result<Snapshot> Writer::State::finish(SnapshotDraft draft) {
    const auto lock = TRY(io::FileLock::lock(vault.memory / "writer.lock"));
    TRY(settle_killed(vault)); // a snapshot that one of them committed has its number
    const bool of_its_own = draft.moment.has_value();
    const auto chain = of_its_own ? Chain{ .writer = make_ulid(now()) } : TRY(current_chain(vault));
    const auto snapshot = TRY(number_and_name(std::move(draft), chain));
    const auto encoded = encode_snapshot(snapshot);
    TRY(decode_snapshot(encoded)); // what cannot be read again must not be written
    const auto copy = TRY(put(BlobKind::snapshot, encoded));
    TRY(flush());
    TRY(failing(pending->commit(snapshot, copy)));
    TRY(publish(snapshot.id, encoded));
    // The snapshot counts from here on. What follows are caches; the next backup makes them good.
    pending->done();
    (void)note_number(vault, snapshot.writer, snapshot.number);
    if (!of_its_own)
        (void)remember_chain(vault, { chain.writer, snapshot.number, snapshot.started, snapshot.id });
    (void)vault.refresh_index();
    return snapshot;
}

Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer&&) noexcept = default;
Writer::~Writer() = default;

Result<Content> Writer::store(io::Source& bytes) { return state_->store(bytes); }
Result<ChunkId> Writer::store_tree(const Tree& tree) { return state_->store_tree(tree); }
bool Writer::has(const ChunkId& id) const { return state_->has(id); }
Result<bool> Writer::holds(const Content& content) const {
    if (content.depth > max_depth_of_lists)
        return false;
    return content.size == 0 ? Result<bool>(true) : state_->holds(content.root, content.depth);
}
const Counters& Writer::counters() const { return state_->counters; }
Vault& Writer::vault() { return *state_->owner; }

Result<Snapshot> Writer::finish(SnapshotDraft draft) { return state_->finish(std::move(draft)); }

Result<Writer> Vault::begin_backup() {
    auto state = std::make_unique<Writer::State>(*state_);
    state->owner = this;
    TRY(state->begin().while_doing("begin a backup", url()));
    return Writer(std::move(state));
}

} // namespace respawn::vault
