#include "vault/pack_writer.h"

#include "vault/compress.h"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace respawn::vault {

namespace {

constexpr std::size_t most_waiting = 12 << 20; // bytes, from add() until they are in a pack
constexpr std::size_t blob_overhead = 256;     // of memory, beside its bytes
constexpr int most_closed = 2;                 // packs being proved or written
constexpr std::size_t packs_per_index = 128, blobs_per_index = 1 << 18;

struct QueuedBlob {
    BlobKind kind = BlobKind::data;
    ChunkId id;
    std::size_t plain_size = 0;
    std::string coded; // plain, until it is compressed where that saves enough
    bool compressed = false;
    std::size_t waits = 0; // bytes it counts for while it is on its way
};

} // namespace

// Blobs are numbered as they come. Workers compress them in any order; append_ready() puts them into
// the open pack by their numbers, and stops while the open pack is full and two are being stored.
struct PackWriter::State {
    State(const Keyring& ring, const Identifier& ids, location::Location& at)
        : keyring(ring), identify(ids), location(at) {}

    const Keyring keyring; // its own: the vault may read a newer one while packs are being made
    const Identifier& identify;
    location::Location& location;

    mutable std::mutex mutex;
    std::condition_variable work_came, pack_came; // for work(), for write_packs()
    std::condition_variable moved_on;             // for who adds: there may be room, or all is done
    bool stopping = false;
    std::optional<Error> failed;

    std::uint64_t added = 0, appended = 0;
    std::size_t waiting_bytes = 0;
    std::deque<std::pair<std::uint64_t, QueuedBlob>> to_compress;
    std::map<std::uint64_t, QueuedBlob> compressed;
    std::optional<PackBuilder> open;
    std::deque<PackBuilder> to_prove;
    std::deque<PackBuilder::Finished> to_write;
    int closed = 0; // packs in to_prove, in to_write or between
    std::vector<PackRecord> written;
    std::size_t blobs_in_written = 0;
    std::uint64_t written_bytes = 0;
    std::vector<std::thread> threads;

    using Lock = std::unique_lock<std::mutex>;

    void work();
    void write_packs();
    void compress_one(Lock& lock);
    void prove_one(Lock& lock);
    void write_one(Lock& lock);
    void append_ready();
    void close_pack();
    void fail(Error error);
    void wake_all();
    bool idle() const { return appended == added; }
};

void PackWriter::State::fail(Error error) {
    if (!failed)
        failed = std::move(error);
    wake_all();
}

void PackWriter::State::wake_all() {
    work_came.notify_all();
    pack_came.notify_all();
    moved_on.notify_all();
}

void PackWriter::State::close_pack() {
    to_prove.push_back(std::move(*open));
    open.reset();
    ++closed;
    work_came.notify_one();
}

void PackWriter::State::append_ready() {
    for (;;) {
        if (open && open->full()) {
            if (closed == most_closed)
                break;
            close_pack();
        }
        const auto next = compressed.find(appended);
        if (next == compressed.end())
            break;
        if (!open)
            open.emplace(keyring);
        auto& blob = next->second;
        open->add(blob.kind, blob.id, blob.plain_size, blob.coded, blob.compressed);
        waiting_bytes -= blob.waits;
        compressed.erase(next);
        ++appended;
    }
    moved_on.notify_one();
}

void PackWriter::State::compress_one(Lock& lock) {
    auto [number, blob] = std::move(to_compress.front());
    to_compress.pop_front();
    lock.unlock();
    if (auto packed = compress(blob.coded)) {
        blob.coded = std::move(*packed);
        blob.compressed = true;
    }
    lock.lock();
    compressed.emplace(number, std::move(blob));
    append_ready();
}

void PackWriter::State::prove_one(Lock& lock) {
    auto pack = std::move(to_prove.front());
    to_prove.pop_front();
    lock.unlock();
    auto finished = pack.finish();
    auto proof = prove_pack(keyring, identify, finished);
    lock.lock();
    if (!proof.ok())
        return fail(proof.error());
    to_write.push_back(std::move(finished));
    pack_came.notify_one();
}

void PackWriter::State::write_one(Lock& lock) {
    auto pack = std::move(to_write.front());
    to_write.pop_front();
    lock.unlock();
    io::TextSource source(pack.bytes);
    auto created = location.create(pack_name(pack.record.id), source);
    lock.lock();
    if (!created.ok())
        return fail(std::move(created).while_doing("write to the vault", location.url()).error());
    written_bytes += pack.bytes.size();
    blobs_in_written += pack.record.entries.size();
    written.push_back(std::move(pack.record));
    --closed;
    append_ready();
}

void PackWriter::State::work() {
    Lock lock(mutex);
    for (;;) {
        work_came.wait(lock,
                       [&] { return stopping || failed || !to_prove.empty() || !to_compress.empty(); });
        if (stopping || failed)
            return;
        to_prove.empty() ? compress_one(lock) : prove_one(lock);
    }
}

void PackWriter::State::write_packs() {
    Lock lock(mutex);
    for (;;) {
        pack_came.wait(lock, [&] { return stopping || failed || !to_write.empty(); });
        if (stopping || failed)
            return;
        write_one(lock);
    }
}

PackWriter::PackWriter(const Keyring& keyring, const Identifier& identify, location::Location& location)
    : state_(std::make_unique<State>(keyring, identify, location)) {}

PackWriter::~PackWriter() {
    {
        const std::scoped_lock lock(state_->mutex);
        state_->stopping = true;
    }
    state_->wake_all();
    for (auto& thread : state_->threads)
        thread.join();
}

// Begins the threads with the first blob.
Result<void> PackWriter::wait_for_room(std::size_t size) {
    auto& state = *state_;
    if (state.threads.empty()) {
        for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i)
            state.threads.emplace_back([&state] { state.work(); });
        state.threads.emplace_back([&state] { state.write_packs(); });
    }
    State::Lock lock(state.mutex);
    state.moved_on.wait(lock, [&] {
        return state.failed || state.waiting_bytes == 0 || state.waiting_bytes + size <= most_waiting;
    });
    if (state.failed)
        return *state.failed;
    state.waiting_bytes += size; // one thread adds
    return {};
}

Result<void> PackWriter::add(BlobKind kind, const ChunkId& id, std::string plain) {
    const auto size = plain.size(), takes = size + blob_overhead;
    TRY(wait_for_room(takes));
    const State::Lock lock(state_->mutex);
    state_->to_compress.emplace_back(state_->added++,
                                     QueuedBlob{ kind, id, size, std::move(plain), false, takes });
    state_->work_came.notify_one();
    return {};
}

Result<void> PackWriter::add_coded(CodedBlob blob) {
    const auto takes = blob.coded.size() + blob_overhead;
    TRY(wait_for_room(takes));
    const State::Lock lock(state_->mutex);
    state_->compressed.emplace(state_->added++,
                               QueuedBlob{ blob.kind, blob.id, blob.plain_size, std::move(blob.coded),
                                           blob.compressed, takes });
    state_->append_ready();
    return {};
}

Result<std::uint64_t> PackWriter::settle() {
    auto& state = *state_;
    State::Lock lock(state.mutex);
    state.moved_on.wait(lock, [&] { return state.failed || (state.idle() && state.closed == 0); });
    if (state.failed)
        return *state.failed;
    return state.written_bytes + (state.open ? state.open->size() : 0);
}

Result<void> PackWriter::flush() {
    auto& state = *state_;
    State::Lock lock(state.mutex);
    state.moved_on.wait(lock, [&] { return state.failed || (state.idle() && state.closed == 0); });
    if (!state.failed && state.open) {
        state.close_pack();
    }
    state.moved_on.wait(lock, [&] { return state.failed || state.closed == 0; });
    return state.failed ? Result<void>(*state.failed) : Result<void>();
}

std::vector<PackRecord> PackWriter::take_written() {
    const std::scoped_lock lock(state_->mutex);
    state_->blobs_in_written = 0;
    return std::exchange(state_->written, {});
}

bool PackWriter::index_is_due() const {
    const std::scoped_lock lock(state_->mutex);
    return state_->written.size() >= packs_per_index || state_->blobs_in_written >= blobs_per_index;
}

} // namespace respawn::vault
