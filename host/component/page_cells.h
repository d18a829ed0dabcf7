// One page of a b-tree, looked at by itself (fileformat2.html, "B-tree Pages"). Nothing in it is
// trusted.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace respawn::component {

enum class PageFault : std::uint8_t {
    none,
    no_tree,       // its first byte is no kind of b-tree page
    cell_count,    // more cells than fit
    cell_place,    // a cell outside the part that cells are in
    cell_end,      // a cell reaches past its page
    overlap,       // bytes that two cells or free blocks claim
    free_blocks,   // the list of free blocks leads outside or back
    fragmentation, // unused bytes that nothing accounts for
    rowid_order,   // rowids that do not rise
};

// Another page that a page names.
struct PageReference {
    std::uint32_t page = 0;
    std::uint32_t chain = 0; // length of the overflow chain that begins there; 0: a child
};

struct PageCells {
    PageFault fault = PageFault::none;
    std::uint16_t cell = 0; // the one with the fault
    std::uint16_t cells = 0;
    std::vector<PageReference> references;
};

inline bool is_tree_page(std::uint8_t kind) {
    return kind == 2 || kind == 5 || kind == 10 || kind == 13;
}
inline bool is_leaf(std::uint8_t kind) { return kind == 10 || kind == 13; }
inline bool is_table_page(std::uint8_t kind) { return kind == 5 || kind == 13; }

// `header_at`: 100 on page 1. `usable`: the page without what is reserved at its end, at least 480.
// Clears what `into` had, keeping its memory.
void look_at_cells(std::string_view page, std::size_t header_at, std::uint32_t usable, PageCells& into);

} // namespace respawn::component
