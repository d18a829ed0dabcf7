#include "component/row_file.h"

#include <algorithm>

namespace respawn::component {

namespace {

constexpr std::size_t largest_block = 1 << 20; // unless one row is larger
constexpr std::size_t node_size = 16 << 10, root_size = 4 << 10;
constexpr std::size_t largest_node = 1 << 20, longest_block = (1 << 30) + (1 << 20);
constexpr int most_levels = 16;
constexpr std::uint64_t first_ahead = 256 << 10, most_ahead = 2 << 20;

Error damaged_rows(std::string why) {
    return Error{ .kind = Kind::corrupt,
                  .why = std::move(why),
                  .fix = "run `respawn check --read-data` to see everything that is hurt" };
}

// The shortest beginning of `key` that is above `before`, which is below it.
std::string_view separate(std::string_view before, std::string_view key) {
    const auto [first, other] = std::ranges::mismatch(key, before);
    const auto common = static_cast<std::size_t>(first - key.begin());
    return key.substr(0, std::min(key.size(), common + 1));
}

} // namespace

Value RowFileShape::value() const {
    return Value::Map{ { "entries", static_cast<std::int64_t>(entries) },
                       { "levels", levels },
                       { "root", Blob{ root } } };
}

Result<RowFileShape> RowFileShape::from(const Value& value) {
    const auto entries = value.integer_at("entries", -1), levels = value.integer_at("levels", -1);
    const auto* root = value.at("root").blob();
    if (entries < 0 || levels < 0 || levels > most_levels || !root)
        return damaged_rows("the head of a table's rows is not complete");
    return RowFileShape{ .entries = static_cast<std::uint64_t>(entries),
                         .levels = static_cast<int>(levels),
                         .root = root->bytes };
}

// ---- writing ----

Result<void> RowFileWriter::add(std::string_view key, Cell row, std::uint64_t cut) {
    constexpr std::size_t lengths = 20;
    const auto size = key.size() + (row ? row->size() : 0) + lengths;
    if (!block_.empty() && block_.size() + size > largest_block)
        TRY(close_block());
    if (block_.empty())
        separator_ = separate(last_, key);
    const auto begin = block_.size();
    append_length(block_, key.size());
    last_key_ = block_.size();
    last_key_size_ = key.size();
    block_ += key;
    append_cell(block_, row);
    ++block_entries_;
    return (cut >> 48) < block_.size() - begin ? close_block() : Result<void>();
}

Result<void> RowFileWriter::close_block() {
    const auto offset = rows_.size();
    TRY(rows_.add(block_));
    last_.assign(block_, last_key_, last_key_size_);
    TRY(add_child(0, separator_, offset, block_.size(), block_entries_));
    entries_ += block_entries_;
    block_entries_ = 0;
    block_.clear();
    return {};
}

Result<void> RowFileWriter::add_child(std::size_t level, std::string_view separator,
                                      std::uint64_t offset, std::uint64_t length,
                                      std::uint64_t entries) {
    if (levels_.size() == level)
        levels_.emplace_back();
    auto& node = levels_[level];
    if (node.children == 0) {
        node.separator = separator;
        node.end = 0;
        node.entries = 0;
    }
    append_length(node.node, separator.size());
    node.node += separator;
    append_length(node.node, offset - node.end);
    append_length(node.node, length);
    append_length(node.node, entries);
    node.end = offset + length;
    node.entries += entries;
    ++node.children;
    return node.node.size() >= node_size && node.children > 1 ? close_node(level) : Result<void>();
}

Result<void> RowFileWriter::close_node(std::size_t level) {
    const auto offset = index_.size();
    const auto node = std::exchange(levels_[level].node, {});
    const auto separator = levels_[level].separator;
    TRY(index_.add(node));
    levels_[level].children = 0;
    return add_child(level + 1, separator, offset, node.size(), levels_[level].entries);
}

// Closes level by level until one node is left that is small, or has one child.
Result<StoredRowFile> RowFileWriter::finish() {
    if (!block_.empty())
        TRY(close_block());
    StoredRowFile stored;
    stored.shape.entries = entries_;
    for (std::size_t level = 0; level < levels_.size(); ++level) {
        const auto& node = levels_[level];
        const bool top = level + 1 == levels_.size();
        if (top && (node.node.size() <= root_size || node.children == 1)) {
            stored.shape.levels = static_cast<int>(level);
            stored.shape.root = node.node;
        } else if (node.children > 0) {
            TRY(close_node(level));
        }
    }
    stored.rows = TRY(rows_.finish());
    stored.index = TRY(index_.finish());
    return stored;
}

// ---- the index ----

Result<RowBlocks::Node> RowBlocks::parsed(std::string bytes, bool over_blocks) const {
    Node node;
    node.bytes = std::make_shared<const std::string>(std::move(bytes));
    const auto within = over_blocks ? file_->rows().size : file_->index().size;
    const auto longest = over_blocks ? longest_block : largest_node;
    std::string_view rest = *node.bytes;
    std::uint64_t end = 0;
    while (!rest.empty()) {
        Child child;
        child.separator = TRY(take_bytes(rest, TRY(take_length(rest))));
        const auto gap = TRY(take_length(rest));
        child.length = TRY(take_length(rest));
        child.entries = TRY(take_length(rest));
        if (gap > within - end || child.length == 0 || child.length > longest ||
            child.length > within - end - gap || child.entries == 0)
            return damaged_rows("an index of rows names what cannot be there");
        child.offset = end + gap;
        end = child.offset + child.length;
        node.children.push_back(child);
    }
    if (node.children.empty())
        return damaged_rows("an index of rows has an empty node");
    return node;
}

Result<RowBlocks::Node> RowBlocks::root() const {
    return parsed(file_->shape().root, file_->shape().levels == 0);
}

Result<RowBlocks::Node> RowBlocks::node(const Child& child, bool over_blocks) const {
    auto bytes = TRY(file_->vault().read_range(file_->index(), child.offset, child.length));
    if (bytes.size() != child.length)
        return damaged_rows("an index of rows is cut short");
    return parsed(std::move(bytes), over_blocks);
}

// From the last node of the path to the blocks.
Result<bool> RowBlocks::go_down() {
    const auto levels = static_cast<std::size_t>(file_->shape().levels);
    while (path_.size() <= levels)
        path_.push_back(TRY(node(block(), path_.size() == levels)));
    return true;
}

Result<bool> RowBlocks::next() {
    if (file_->shape().root.empty())
        return false;
    if (path_.empty()) {
        path_.push_back(TRY(root()));
        return go_down();
    }
    std::size_t level = path_.size();
    while (level > 0 && path_[level - 1].at + 1 == path_[level - 1].children.size())
        --level;
    if (level == 0)
        return false;
    const auto passed = block().offset + block().length;
    path_.resize(level);
    ++path_.back().at;
    TRY(go_down());
    return block().offset >= passed ? Result<bool>(true) // else it might go round for ever
                                    : damaged_rows("an index of rows names them in another order");
}

Result<bool> RowBlocks::seek(std::string_view key) {
    if (file_->shape().root.empty())
        return false;
    const auto choose = [key](Node& node) {
        const auto behind = std::ranges::upper_bound(node.children, key, {}, &Child::separator);
        const auto number = behind - node.children.begin();
        node.at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(number - 1, 0));
    };
    const auto levels = static_cast<std::size_t>(file_->shape().levels);
    path_.clear();
    path_.push_back(TRY(root()));
    choose(path_.back());
    while (path_.size() <= levels) {
        path_.push_back(TRY(node(block(), path_.size() == levels)));
        choose(path_.back());
    }
    return true;
}

std::uint64_t RowBlocks::stretch(std::uint64_t most) const {
    const auto& node = path_.back();
    auto size = node.children[node.at].length;
    for (auto at = node.at + 1; at < node.children.size(); ++at) {
        const auto& child = node.children[at];
        if (child.offset != node.children[at - 1].offset + node.children[at - 1].length ||
            size + child.length > most)
            break;
        size += child.length;
    }
    return size;
}

std::optional<std::string> RowBlocks::end() const {
    for (auto node = path_.rbegin(); node != path_.rend(); ++node)
        if (node->at + 1 < node->children.size())
            return std::string(node->children[node->at + 1].separator);
    return {};
}

// From the highest nodes that have several children for each part.
Result<std::vector<std::string>> RowBlocks::parting_keys(std::size_t count) const {
    std::vector<std::string> keys;
    if (file_->shape().root.empty() || count == 0)
        return keys;
    std::vector<Node> nodes{ TRY(root()) };
    std::vector<Child> children = nodes.front().children;
    for (int level = 0; level < file_->shape().levels && children.size() < 4 * count; ++level) {
        std::vector<Child> below;
        for (const auto& child : children) {
            nodes.push_back(TRY(node(child, level + 1 == file_->shape().levels)));
            below.insert(below.end(), nodes.back().children.begin(), nodes.back().children.end());
        }
        children = std::move(below);
    }
    const auto share = file_->shape().entries / count + 1;
    std::uint64_t before = 0;
    for (const auto& child : children) {
        if (before >= share * (keys.size() + 1) && keys.size() + 1 < count)
            keys.emplace_back(child.separator);
        before += child.entries;
    }
    return keys;
}

// ---- entries ----

// The blocks from here on. More at once the longer it goes on.
Result<void> RowFileCursor::read_ahead() {
    const auto& block = blocks_.block();
    const bool goes_on = block.offset == stretch_begin_ + stretch_.size();
    ahead_ = goes_on && !stretch_.empty() ? std::clamp(ahead_ * 2, first_ahead, most_ahead) : 0;
    const auto size = blocks_.stretch(ahead_);
    auto& vault = file_.vault();
    stretch_ = TRY(ahead_ == 0 ? vault.read_range(file_.rows(), block.offset, size)
                               : vault.read_stretch(file_.rows(), block.offset, size));
    stretch_begin_ = block.offset;
    return stretch_.size() == size ? Result<void>() : damaged_rows("a block of rows is cut short");
}

Result<void> RowFileCursor::load() {
    held_ = std::string(key_);
    key_ = held_;
    row_ = {};
    const auto& block = blocks_.block();
    if (block.offset < stretch_begin_ || block.offset + block.length > stretch_begin_ + stretch_.size())
        TRY(read_ahead());
    rest_ = std::string_view(stretch_).substr(block.offset - stretch_begin_, block.length);
    left_ = block.entries;
    seen_ += block.entries;
    return seen_ <= file_.shape().entries
               ? Result<void>()
               : damaged_rows("an index of rows has more of them than there are");
}

// One more of the block, which has one.
Result<bool> RowFileCursor::next_in_block() {
    const auto key = TRY(take_bytes(rest_, TRY(take_length(rest_))));
    const auto size = TRY(take_length(rest_));
    row_ = size == 0 ? Cell() : Cell(TRY(take_bytes(rest_, size - 1)));
    if (file_.keyed() && at_ == At::entry && key <= key_)
        return damaged_rows("rows are not in the order of their keys");
    key_ = key;
    at_ = At::entry;
    --left_;
    if (rest_.empty() != (left_ == 0))
        return damaged_rows("a block of rows has another number of them than its index says");
    return true;
}

Result<bool> RowFileCursor::next() {
    if (at_ == At::end)
        return false;
    if (left_ == 0) {
        if (!TRY(blocks_.next())) {
            at_ = At::end;
            return false;
        }
        TRY(load());
    }
    return next_in_block();
}

bool RowFileCursor::is_in_block(std::string_view key) {
    const auto end = blocks_.end();
    return at_ == At::entry && (!end || key < *end);
}

Result<bool> RowFileCursor::seek(std::string_view key) {
    if (at_ == At::end || (at_ == At::entry && key_ >= key))
        return at_ == At::entry;
    if (!is_in_block(key)) {
        if (!TRY(blocks_.seek(key))) {
            at_ = At::end;
            return false;
        }
        TRY(load());
    }
    while (TRY(next()))
        if (key_ >= key)
            return true;
    return false;
}

} // namespace respawn::component
