#include "component/row_sort.h"

#include "component/row_bytes.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace respawn::component {

namespace {

constexpr std::size_t buffer_size = 128 << 10;
constexpr std::size_t most_on_a_level = 32; // then they are merged into one of the next

// A file that is gone when it is closed, whoever closes it.
Result<io::Descriptor> nameless_file(const io::Path& folder) {
    TRY(io::make_folder(folder));
    io::Descriptor file(::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    if (file.open())
        return file;
    auto name = (folder / "sort-XXXXXX").string(); // where the file system knows no such files
    io::Descriptor named(::mkostemp(name.data(), O_CLOEXEC));
    if (!named.open())
        return io::system_error("create a file in", folder, errno);
    ::unlink(name.c_str());
    return named;
}

// Rows one after the other, sorted, in a file of their own.
class Spill {
  public:
    static Result<Spill> begin(const io::Path& folder) {
        return Spill(TRY(nameless_file(folder)), folder);
    }
    Result<void> add(std::string_view key, std::string_view row) {
        append_length(buffer_, key.size());
        append_length(buffer_, row.size());
        buffer_ += key;
        buffer_ += row;
        return buffer_.size() < buffer_size ? Result<void>() : flush();
    }
    Result<void> flush() {
        TRY(io::write_fully(file_.number(), buffer_, folder_));
        size_ += buffer_.size();
        buffer_.clear();
        return {};
    }

    // ---- once it is written and flushed ----

    // False behind the last; views hold until the next call.
    Result<bool> next() {
        if (at_ == buffer_.size() && read_ == size_)
            return false;
        const auto key_size = TRY(length());
        const auto row_size = TRY(length());
        TRY(have(key_size + row_size));
        key_ = std::string_view(buffer_).substr(at_, key_size);
        row_ = std::string_view(buffer_).substr(at_ + key_size, row_size);
        at_ += key_size + row_size;
        return true;
    }
    std::string_view key() const { return key_; }
    std::string_view row() const { return row_; }

  private:
    Spill(io::Descriptor file, io::Path folder) : file_(std::move(file)), folder_(std::move(folder)) {}

    Result<std::uint64_t> length() {
        constexpr std::size_t longest = 10;
        TRY(have(std::min<std::uint64_t>(longest, buffer_.size() - at_ + size_ - read_)));
        auto rest = std::string_view(buffer_).substr(at_);
        const auto before = rest.size();
        const auto length = TRY(take_length(rest));
        at_ += before - rest.size();
        return length;
    }
    // That so many bytes follow in the buffer.
    Result<void> have(std::uint64_t bytes) {
        if (buffer_.size() - at_ >= bytes)
            return {};
        buffer_.erase(0, std::exchange(at_, 0));
        const auto wanted = std::max<std::uint64_t>(bytes - buffer_.size(), buffer_size);
        const auto more = TRY(io::read_at(file_.number(), read_, wanted, folder_));
        read_ += more.size();
        buffer_ += more;
        if (buffer_.size() < bytes)
            return Error{ .kind = Kind::io, .why = "a file that rows are sorted in is cut short" };
        return {};
    }

    io::Descriptor file_;
    io::Path folder_;
    std::uint64_t size_ = 0, read_ = 0; // of the file
    std::string buffer_;
    std::size_t at_ = 0; // in the buffer
    std::string_view key_, row_;
};

// Takes from several, of equal keys those of the earlier first.
Result<void> merge(std::deque<Spill*> from, const RowSort::Take& take) {
    std::vector<Spill*> alive;
    for (auto* spill : from)
        if (TRY(spill->next()))
            alive.push_back(spill);
    while (!alive.empty()) {
        const auto least = std::ranges::min_element(
            alive, [](const Spill* a, const Spill* b) { return a->key() < b->key(); });
        TRY(take((*least)->key(), (*least)->row()));
        if (!TRY((*least)->next()))
            alive.erase(least);
    }
    return {};
}

} // namespace

struct RowSort::State {
    struct Item {
        std::uint64_t first = 0; // eight bytes of the key, as a number that sorts like them
        std::uint64_t at = 0;    // in `bytes`
        std::uint32_t key_size = 0, row_size = 0;
    };

    io::Path folder;
    std::size_t memory = 0;
    std::string bytes;
    std::vector<Item> items;
    std::vector<std::deque<Spill>> levels; // those of higher ones came earlier

    void sort();
    Result<void> each_in_memory(const Take& take);
    Result<void> spill();
    Result<void> lift(std::size_t level);
    std::deque<Spill*> all();
};

namespace {

std::uint64_t first_of(std::string_view key) {
    std::uint64_t number = 0;
    std::memcpy(&number, key.data(), std::min<std::size_t>(key.size(), sizeof number));
    return __builtin_bswap64(number);
}
static_assert(std::endian::native == std::endian::little);

} // namespace

void RowSort::State::sort() {
    std::ranges::sort(items, [this](const Item& a, const Item& b) {
        if (a.first != b.first)
            return a.first < b.first;
        const std::string_view all = bytes;
        const int order = all.substr(a.at, a.key_size).compare(all.substr(b.at, b.key_size));
        return order != 0 ? order < 0 : a.at < b.at;
    });
}

Result<void> RowSort::State::each_in_memory(const Take& take) {
    sort();
    const std::string_view all = bytes;
    for (const auto& item : items)
        TRY(take(all.substr(item.at, item.key_size),
                 all.substr(item.at + item.key_size, item.row_size)));
    bytes.clear();
    items.clear();
    return {};
}

Result<void> RowSort::State::spill() {
    auto to = TRY(Spill::begin(folder));
    TRY(each_in_memory([&](std::string_view key, std::string_view row) { return to.add(key, row); }));
    TRY(to.flush());
    if (levels.empty())
        levels.emplace_back();
    levels.front().push_back(std::move(to));
    for (std::size_t level = 0; level < levels.size() && levels[level].size() >= most_on_a_level;
         ++level)
        TRY(lift(level));
    return {};
}

Result<void> RowSort::State::lift(std::size_t level) {
    auto to = TRY(Spill::begin(folder));
    std::deque<Spill*> from;
    for (auto& spill : levels[level])
        from.push_back(&spill);
    TRY(merge(from, [&](std::string_view key, std::string_view row) { return to.add(key, row); }));
    TRY(to.flush());
    levels[level].clear();
    if (levels.size() == level + 1)
        levels.emplace_back();
    levels[level + 1].push_back(std::move(to));
    return {};
}

std::deque<Spill*> RowSort::State::all() {
    std::deque<Spill*> spills;
    for (auto level = levels.rbegin(); level != levels.rend(); ++level)
        for (auto& spill : *level)
            spills.push_back(&spill);
    return spills;
}

RowSort::RowSort(io::Path folder, std::size_t memory) : state_(std::make_unique<State>()) {
    state_->folder = std::move(folder);
    state_->memory = memory;
}
RowSort::RowSort(RowSort&&) noexcept = default;
RowSort& RowSort::operator=(RowSort&&) noexcept = default;
RowSort::~RowSort() = default;

Result<void> RowSort::add(std::string_view key, std::string_view row) {
    auto& state = *state_;
    const auto used = state.bytes.size() + (state.items.size() + 1) * sizeof(State::Item);
    if (!state.items.empty() && used + key.size() + row.size() > state.memory)
        TRY(state.spill());
    state.items.push_back({ first_of(key), state.bytes.size(), static_cast<std::uint32_t>(key.size()),
                            static_cast<std::uint32_t>(row.size()) });
    state.bytes += key;
    state.bytes += row;
    return {};
}

Result<void> RowSort::each(const Take& take) {
    if (state_->levels.empty())
        return state_->each_in_memory(take);
    if (!state_->items.empty())
        TRY(state_->spill());
    return merge(state_->all(), take);
}

} // namespace respawn::component
