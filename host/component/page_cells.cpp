#include "component/page_cells.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>

namespace respawn::component {

namespace {

// Which bytes of a page are spoken for.
class Coverage {
  public:
    explicit Coverage(std::uint32_t size) : words_((size + 63) / 64) {
        std::fill_n(bits_.begin(), words_, 0);
    }
    // False when any of them was. Within the page.
    bool add(std::uint32_t from, std::uint32_t to) {
        bool free = true;
        for (auto word = from / 64; from < to; ++word) {
            const auto end = std::min(to, (word + 1) * 64);
            const auto length = end - from;
            const auto mask = (length == 64 ? ~0ULL : (1ULL << length) - 1) << (from % 64);
            free = free && (bits_[word] & mask) == 0;
            bits_[word] |= mask;
            from = end;
        }
        return free;
    }
    std::uint32_t count() const {
        std::uint32_t sum = 0;
        for (std::uint32_t i = 0; i < words_; ++i)
            sum += static_cast<std::uint32_t>(std::popcount(bits_[i]));
        return sum;
    }

  private:
    std::uint32_t words_;
    std::array<std::uint64_t, 65536 / 64> bits_;
};

class Looker {
  public:
    Looker(std::string_view page, std::size_t header_at, std::uint32_t usable, PageCells& into)
        : page_(reinterpret_cast<const unsigned char*>(page.data())),
          header_(static_cast<std::uint32_t>(header_at)), usable_(usable), kind_(page_[header_at]),
          into_(into), covered_(usable) {}

    PageFault look() {
        if (!is_tree_page(kind_))
            return PageFault::no_tree;
        into_.cells = static_cast<std::uint16_t>(two(header_ + 3));
        const auto pointers = header_ + (is_leaf(kind_) ? 8U : 12U);
        const auto content = two(header_ + 5) == 0 ? 65536U : two(header_ + 5);
        if (pointers + 2U * into_.cells > content || content > usable_)
            return PageFault::cell_count;
        covered_.add(0, content);
        if (!is_leaf(kind_))
            into_.references.push_back({ four(header_ + 8), 0 });
        for (into_.cell = 0; into_.cell < into_.cells; ++into_.cell) {
            const auto at = two(pointers + 2U * into_.cell);
            if (at < content || at > usable_ - 4)
                return PageFault::cell_place;
            if (const auto fault = look_at_cell(at); fault != PageFault::none)
                return fault;
        }
        return look_at_free_blocks(content);
    }

  private:
    std::uint32_t two(std::uint32_t at) const { return page_[at] * 256U + page_[at + 1]; }
    std::uint32_t four(std::uint32_t at) const { return two(at) << 16 | two(at + 2); }

    // At most nine bytes; nothing where the page ends first.
    std::optional<std::uint64_t> variable(std::uint32_t& at) const {
        std::uint64_t number = 0;
        for (int i = 0; i < 9; ++i) {
            if (at >= usable_)
                return {};
            const auto byte = page_[at++];
            if (i == 8)
                return number << 8 | byte;
            number = number << 7 | (byte & 0x7fU);
            if (byte < 0x80)
                break;
        }
        return number;
    }

    PageFault look_at_cell(std::uint32_t at) {
        const auto begin = at;
        if (!is_leaf(kind_)) {
            into_.references.push_back({ four(at), 0 });
            at += 4;
        }
        std::uint64_t payload = 0;
        if (kind_ != 5) {
            const auto size = variable(at);
            if (!size || *size > UINT32_MAX)
                return PageFault::cell_end;
            payload = *size;
        }
        if (is_table_page(kind_)) {
            const auto rowid = variable(at);
            if (!rowid)
                return PageFault::cell_end;
            if (into_.cell > 0 && static_cast<std::int64_t>(*rowid) <= last_rowid_)
                return PageFault::rowid_order;
            last_rowid_ = static_cast<std::int64_t>(*rowid);
        }
        if (kind_ != 5 && !take_payload(at, payload))
            return PageFault::cell_end;
        const auto end = std::max(at, begin + 4);
        if (end > usable_)
            return PageFault::cell_end;
        return covered_.add(begin, end) ? PageFault::none : PageFault::overlap;
    }

    // What of the payload is on this page; where the rest begins.
    bool take_payload(std::uint32_t& at, std::uint64_t payload) {
        const auto most = kind_ == 13 ? usable_ - 35 : (usable_ - 12) * 64 / 255 - 23;
        const auto least = (usable_ - 12) * 32 / 255 - 23;
        auto local = payload;
        if (payload > most) {
            local = least + (payload - least) % (usable_ - 4);
            if (local > most)
                local = least;
        }
        if (local > usable_ - at || (payload > most && usable_ - at - local < 4))
            return false;
        at += static_cast<std::uint32_t>(local);
        if (payload > most) {
            const auto chain = (payload - local + usable_ - 5) / (usable_ - 4);
            into_.references.push_back({ four(at), static_cast<std::uint32_t>(chain) });
            at += 4;
        }
        return true;
    }

    PageFault look_at_free_blocks(std::uint32_t content) {
        for (std::uint32_t at = two(header_ + 1), end = content; at != 0;) {
            if (at < end || at > usable_ - 4)
                return PageFault::free_blocks;
            end = at + two(at + 2);
            if (end < at + 4 || end > usable_)
                return PageFault::free_blocks;
            if (!covered_.add(at, end))
                return PageFault::overlap;
            at = two(at);
        }
        return usable_ - covered_.count() == page_[header_ + 7] ? PageFault::none
                                                                : PageFault::fragmentation;
    }

    const unsigned char* page_;
    const std::uint32_t header_, usable_;
    const std::uint8_t kind_;
    PageCells& into_;
    Coverage covered_;
    std::int64_t last_rowid_ = 0;
};

} // namespace

void look_at_cells(std::string_view page, std::size_t header_at, std::uint32_t usable,
                   PageCells& into) {
    into.references.clear();
    into.cells = into.cell = 0;
    into.fault = Looker(page, header_at, usable, into).look();
}

} // namespace respawn::component
