// A vault in memory with the symbols of the real one, for tests of components alone.
#include "vault/vault.h"

#include "base/bytes.h"

#include <cstring>
#include <map>

namespace respawn::vault {

struct Vault::State {
    std::map<ChunkId, std::string> blobs;
    std::map<ChunkId, Tree> trees;
};
struct Writer::State {
    Vault::State *vault;
    Counters counters;
};

namespace {
ChunkId id_of(std::string_view bytes) {
    ChunkId id;
    std::memcpy(id.bytes.data(), crypto::sha256(bytes).data(), id.bytes.size());
    return id;
}
std::string bytes_of(const Tree &tree) {
    ByteWriter out;
    for (const auto &entry : tree) {
        out.text(entry.name)
            .u8(static_cast<std::uint8_t>(entry.type))
            .u32(entry.mode)
            .i64(entry.modified_ns);
        out.text(entry.target).u64(entry.size).u64(entry.hard_link).u64(entry.device);
        out.raw({ reinterpret_cast<const char *>(entry.content.root.bytes.data()), 16 });
        out.raw({ reinterpret_cast<const char *>(entry.tree.bytes.data()), 16 });
    }
    return out.take();
}
} // namespace

Vault::Vault(std::unique_ptr<State> state) : state_(std::move(state)) {}
Vault::~Vault() = default;
Result<std::unique_ptr<Vault>> Vault::create(std::shared_ptr<location::Location>, const crypto::Key &,
                                             io::Path) {
    return std::unique_ptr<Vault>(new Vault(std::make_unique<State>()));
}
Result<Tree> Vault::tree(const ChunkId &id) {
    const auto found = state_->trees.find(id);
    if (found == state_->trees.end())
        return Error{ .kind = Kind::missing, .why = "no such tree" };
    return found->second;
}
Result<std::string> Vault::read_range(const Content &content, std::uint64_t offset, std::size_t size) {
    if (content.size == 0)
        return std::string();
    const auto found = state_->blobs.find(content.root);
    if (found == state_->blobs.end())
        return Error{ .kind = Kind::missing, .why = "no such blob" };
    return offset >= content.size ? std::string() : found->second.substr(offset, size);
}
Result<void> Vault::read(const Content &content, io::Sink &to) {
    return to.write(TRY(read_range(content, 0, content.size)));
}
Result<Writer> Vault::begin_backup() {
    auto state = std::make_unique<Writer::State>();
    state->vault = state_.get();
    return Writer(std::move(state));
}
Writer::Writer(std::unique_ptr<State> state) : state_(std::move(state)) {}
Writer::Writer(Writer &&) noexcept = default;
Writer::~Writer() = default;
Result<Content> Writer::store(io::Source &bytes) {
    const auto all = TRY(io::read_all(bytes));
    state_->counters.read_bytes += all.size();
    if (all.empty())
        return Content{};
    const auto id = id_of(all);
    state_->vault->blobs[id] = all;
    return Content{ .size = all.size(), .root = id };
}
Result<ChunkId> Writer::store_tree(const Tree &tree) {
    const auto id = id_of(bytes_of(tree) + "tree");
    state_->vault->trees[id] = tree;
    return id;
}
bool Writer::has(const ChunkId &id) const { return state_->vault->blobs.contains(id); }
const Counters &Writer::counters() const { return state_->counters; }

} // namespace respawn::vault
namespace respawn::vault {
Result<Snapshot> Writer::finish(SnapshotDraft) { return Snapshot{}; }
} // namespace respawn::vault
namespace respawn::location {
Result<std::shared_ptr<Location>> open_location(std::string_view);
Result<std::shared_ptr<Location>> open_location(std::string_view) {
    return std::shared_ptr<Location>();
}
} // namespace respawn::location
