#include "component/row_tree.h"

#include "component/row_tree_state.h"

#include <algorithm>
#include <set>

namespace respawn::component {

namespace {

Error has_no_keys() {
    return Error{ .kind = Kind::unsupported,
                  .why = "the table has no primary key, so its rows cannot be told apart",
                  .fix = "give it a primary key, or take the whole table" };
}

} // namespace

RowTree::RowTree(std::shared_ptr<const State> state) : state_(std::move(state)) {}

Result<RowTree> RowTree::open(vault::Vault& from, const vault::Tree& folder) {
    return RowTree(std::make_shared<State>(from, TRY(read_head(from, folder))));
}

RowTree::State::State(vault::Vault& vault, RowHead of) : head(std::move(of)), hasher(vault) {
    unique.resize(head.unique_keys);
    for (const auto& part : head.parts) {
        parts.emplace_back(vault, part.rows, head.keyed);
        for (std::size_t key = 0; key < head.unique_keys; ++key)
            unique[key].emplace_back(vault, part.unique[key], true);
    }
}

bool RowTree::keyed() const { return state_->head.keyed; }
std::uint64_t RowTree::rows() const { return state_->head.sum.rows; }
const RowSum& RowTree::sum() const { return state_->head.sum; }
const std::string& RowTree::schema() const { return state_->head.schema; }
std::size_t RowTree::unique_keys() const { return state_->head.unique_keys; }

std::uint64_t RowTree::bytes() const {
    return state_->head.parts.front().rows.rows.size + state_->head.run_bytes();
}

Result<std::optional<std::string>> RowTree::find(std::string_view key) const {
    if (!keyed())
        return has_no_keys();
    for (auto part = state_->parts.rbegin(); part != state_->parts.rend(); ++part) {
        RowFileCursor cursor(*part);
        if (TRY(cursor.seek(key)) && cursor.key() == key)
            return cursor.row() ? std::optional(std::string(*cursor.row())) : std::nullopt;
    }
    return std::optional<std::string>();
}

Result<std::vector<std::string>> RowTree::keys_with(std::size_t unique_key,
                                                    std::string_view value) const {
    if (unique_key >= state_->unique.size())
        return Error{ .kind = Kind::usage, .why = "the table has no such unique key" };
    const auto digest = value_digest(state_->hasher, value);
    std::set<std::string> keys;
    for (const auto& file : state_->unique[unique_key]) {
        RowFileCursor cursor(file);
        for (bool more = TRY(cursor.seek(digest)); more && cursor.key().starts_with(digest);
             more = TRY(cursor.next()))
            keys.emplace(cursor.key().substr(digest.size()));
    }
    return std::vector<std::string>(keys.begin(), keys.end());
}

// ---- all rows ----

RowCursor::RowCursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
RowCursor::RowCursor(RowCursor&&) noexcept = default;
RowCursor& RowCursor::operator=(RowCursor&&) noexcept = default;
RowCursor::~RowCursor() = default;
std::string_view RowCursor::key() const { return state_->newest->key(); }
std::string_view RowCursor::row() const { return *state_->newest->row(); }
Result<bool> RowCursor::next() { return state_->next(); }

Result<void> RowCursor::State::begin(const std::vector<RowFile>& files, std::string_view key,
                                     RowTree::From from) {
    for (const auto& file : files) {
        auto& cursor = cursors.emplace_back(file);
        const bool sought = file.keyed() && !(key.empty() && from == RowTree::From::at);
        bool more = TRY(sought ? cursor.seek(key) : cursor.next());
        if (more && from == RowTree::From::behind && cursor.key() == key)
            more = TRY(cursor.next());
        if (more)
            alive.push_back(&cursor);
    }
    return {};
}

// Those that stand on the last key go on.
Result<void> RowCursor::State::leave() {
    for (auto* cursor : std::exchange(standing, {}))
        if (!TRY(cursor->next()))
            std::erase(alive, cursor);
    return {};
}

// Files are in the order of their age, so of those with the least key the last is the newest.
Result<bool> RowCursor::State::next_entry() {
    TRY(leave());
    newest = nullptr;
    for (auto* cursor : alive) {
        const int order = newest ? cursor->key().compare(newest->key()) : -1;
        if (order < 0)
            standing.clear();
        if (order <= 0) {
            newest = cursor;
            standing.push_back(cursor);
        }
    }
    return newest != nullptr;
}

Result<bool> RowCursor::State::next() {
    while (TRY(next_entry()))
        if (newest->row())
            return true;
    return false;
}

Result<RowCursor> RowTree::rows_from(std::string_view key, From from) const {
    if (!keyed() && !key.empty())
        return has_no_keys();
    auto state = std::make_unique<RowCursor::State>();
    TRY(state->begin(state_->parts, key, from));
    return RowCursor(std::move(state));
}

Result<std::vector<std::string>> RowTree::parting_keys(std::size_t count) const {
    if (!keyed() || count < 2)
        return std::vector<std::string>();
    const auto entries = [](const RowFile& file) { return file.shape().entries; };
    const auto largest = std::ranges::max_element(state_->parts, {}, entries);
    RowBlocks blocks(*largest);
    return blocks.parting_keys(count);
}

} // namespace respawn::component
