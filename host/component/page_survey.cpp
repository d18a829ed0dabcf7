#include "component/page_survey.h"

#include "base/text.h"
#include "component/page_cells.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace respawn::component {

namespace {

constexpr std::uint64_t most_numbers_in_memory = 16 << 20;
constexpr std::size_t most_lines = 100;
constexpr int deepest_tree_of_pages = 20;                                      // SQLite's own limit
constexpr std::uint32_t of_schema = UINT32_MAX, of_free_list = UINT32_MAX - 1; // as `parent`

// What else a page can be, besides 2, 5, 10 and 13.
enum Make : std::uint8_t { unseen = 0, overflow = 1, free_page = 20, pointers = 21, lock_page = 22 };
enum class Claim : std::uint8_t { none, root, child, first_overflow, next_overflow, seen };

struct Note {
    std::uint32_t parent = 0; // who names it; 0: nobody
    std::uint32_t next = 0;   // of an overflow page. Of a b-tree page: its tree, once judged
    std::uint32_t chain = 0;  // pages from here on, of the first one of an overflow chain
    std::uint16_t cells = 0;  // of a damaged page: the one with the fault
    std::uint8_t make = unseen;
    Claim claim = Claim::none;
};
static_assert(sizeof(Note) == 16);

// What the pointer map says of a page.
struct Pointer {
    std::uint32_t parent = 0;
    std::uint8_t kind = 0;
};

// Zeros at first. Beyond some size in a file without a name, which the system can put out of memory.
template <class T> class FlatArray {
  public:
    static Result<FlatArray> make(std::uint64_t count, const io::Path& folder) {
        FlatArray array;
        array.size_ = std::max<std::uint64_t>(count, 1) * sizeof(T);
        int flags = MAP_PRIVATE | MAP_ANONYMOUS;
        io::Descriptor file;
        if (array.size_ > most_numbers_in_memory) {
            TRY(io::make_folder(folder));
            file = io::Descriptor(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
            // Its blocks are asked for now: a full disk is an error here and a signal later.
            const int full = file.open()
                                 ? ::posix_fallocate(file.number(), 0, static_cast<off_t>(array.size_))
                                 : errno;
            if (full != 0)
                return io::system_error("make room for a survey of pages in", folder, full);
            flags = MAP_SHARED;
        }
        void* at = ::mmap(nullptr, array.size_, PROT_READ | PROT_WRITE, flags, file.number(), 0);
        if (at == MAP_FAILED)
            return io::system_error("make room for a survey of pages in", folder, errno);
        array.items_ = static_cast<T*>(at);
        return array;
    }
    FlatArray() = default;
    FlatArray(FlatArray&& other) noexcept
        : items_(std::exchange(other.items_, nullptr)), size_(other.size_) {}
    FlatArray& operator=(FlatArray&& other) noexcept {
        std::swap(items_, other.items_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~FlatArray() {
        if (items_)
            ::munmap(items_, size_);
    }
    T& operator[](std::uint32_t at) { return items_[at]; }
    const T& operator[](std::uint32_t at) const { return items_[at]; }

  private:
    T* items_ = nullptr;
    std::uint64_t size_ = 0;
};

std::uint32_t four(std::string_view bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
    return number;
}

// A fault as it is kept beside a page's make: makes of damaged b-tree pages are 128 + fault.
constexpr std::uint8_t damaged_make = 128;

std::string text_of(PageFault fault, unsigned cell) {
    switch (fault) {
    case PageFault::cell_count:
        return "it has more cells than fit";
    case PageFault::cell_place:
        return fmt::format("cell {} lies outside the part for cells", cell);
    case PageFault::cell_end:
        return fmt::format("cell {} reaches past its page", cell);
    case PageFault::overlap:
        return "some of its bytes are used twice";
    case PageFault::free_blocks:
        return "its list of free blocks leads outside";
    case PageFault::fragmentation:
        return "its unused bytes do not add up";
    case PageFault::rowid_order:
        return fmt::format("the rowid of cell {} is out of order", cell);
    default:
        return "it is no b-tree page";
    }
}

} // namespace

struct PageSurvey::State {
    std::uint32_t page_size = 0, usable = 0, pages = 0;
    std::uint32_t lock = 0; // the page that is never used, for SQLite locks bytes of it
    bool has_pointers = false;
    FlatArray<Note> notes;       // by page number
    FlatArray<Pointer> pointing; // with a pointer map

    std::mutex mutex;
    std::vector<std::string> lines;
    std::vector<PageTree>* trees = nullptr;
    std::vector<std::uint8_t> leaf_depths; // of each tree; 0: not known yet

    void fault(std::string line);
    bool is_pointers(std::uint32_t page) const;
    bool can_be_used(std::uint32_t page) const;
    Result<void> follow_free_pages(std::uint32_t first, std::uint32_t count, const ReadPage& read);
    bool take_free(std::uint32_t page);
    void claim(std::uint32_t page, std::uint32_t by, Claim how, std::uint32_t chain);
    void look(std::uint32_t page, std::string_view bytes, PageCells& cells);
    void look_at_tree(std::uint32_t page, std::string_view bytes, PageCells& cells);
    void look_at_overflow(std::uint32_t page, std::string_view bytes);
    void look_at_pointers(std::uint32_t page, std::string_view bytes);

    void claim_roots();
    void judge_tree_page(std::uint32_t page);
    void place_in_tree(std::uint32_t page);
    void judge_leaf_depth(std::uint32_t page, std::uint32_t tree, int depth);
    void follow_chain(std::uint32_t page);
    void judge_rest(std::uint32_t page);
    void judge_pointer(std::uint32_t page);
    std::string place_of(std::uint32_t page) const;
};

void PageSurvey::State::fault(std::string line) {
    const std::scoped_lock held(mutex);
    if (lines.size() < most_lines)
        lines.push_back(std::move(line));
}

bool PageSurvey::State::is_pointers(std::uint32_t page) const {
    if (!has_pointers || page < 2)
        return false;
    const auto each = usable / 5 + 1;
    auto map = (page - 2) / each * each + 2;
    if (map == lock)
        ++map;
    return map == page;
}

bool PageSurvey::State::can_be_used(std::uint32_t page) const {
    return page >= 1 && page <= pages && page != lock && !is_pointers(page);
}

bool PageSurvey::State::take_free(std::uint32_t page) {
    if (page < 2 || !can_be_used(page) || notes[page].make == free_page)
        return false;
    notes[page].make = free_page;
    notes[page].parent = of_free_list;
    return true;
}

// Trunk pages: the next one, a count, and so many free pages.
Result<void> PageSurvey::State::follow_free_pages(std::uint32_t first, std::uint32_t count,
                                                  const ReadPage& read) {
    std::uint32_t found = 0;
    for (auto trunk = first; trunk != 0;) {
        if (!take_free(trunk)) {
            fault(fmt::format("the list of free pages names page {}, which cannot be in it", trunk));
            return {};
        }
        ++found;
        const auto page = TRY(read(trunk));
        const auto leaves = page.size() == page_size ? four(page, 4) : UINT32_MAX;
        if (leaves > usable / 4 - 2) {
            fault(fmt::format("page {} of the list of free pages is damaged", trunk));
            return {};
        }
        for (std::uint32_t i = 0; i < leaves; ++i)
            if (const auto leaf = four(page, 8 + std::size_t{ 4 } * i); !take_free(leaf))
                fault(fmt::format("the list of free pages names page {}, which cannot be in it", leaf));
        found += leaves;
        trunk = four(page, 0);
    }
    if (found != count)
        fault(fmt::format("the list of free pages has {}, the header says {}", found, count));
    return {};
}

void PageSurvey::State::claim(std::uint32_t page, std::uint32_t by, Claim how, std::uint32_t chain) {
    if (page < (how == Claim::root ? 1U : 2U) || !can_be_used(page))
        return fault(by == of_schema
                         ? fmt::format("the schema names page {} as a root", page)
                         : fmt::format("page {} names page {}, which is none to use", by, page));
    auto& note = notes[page];
    std::uint32_t nobody = 0;
    if (std::atomic_ref(note.parent).compare_exchange_strong(nobody, by)) {
        note.claim = how;
        note.chain = chain;
    } else if (nobody == of_free_list) {
        fault(fmt::format("page {} is in the list of free pages and in use", page));
    } else {
        fault(fmt::format("page {} is used twice", page));
    }
}

void PageSurvey::State::look(std::uint32_t page, std::string_view bytes, PageCells& cells) {
    auto& note = notes[page];
    if (note.make == free_page)
        return;
    if (page == lock)
        note.make = lock_page;
    else if (is_pointers(page))
        look_at_pointers(page, bytes);
    else if (is_tree_page(static_cast<std::uint8_t>(bytes[page == 1 ? 100 : 0])))
        look_at_tree(page, bytes, cells);
    else
        look_at_overflow(page, bytes);
}

void PageSurvey::State::look_at_tree(std::uint32_t page, std::string_view bytes, PageCells& cells) {
    auto& note = notes[page];
    const std::size_t header = page == 1 ? 100 : 0;
    look_at_cells(bytes, header, usable, cells);
    // A page of a chain in a file so large that the next one's number begins with such a byte.
    if (cells.fault != PageFault::none && four(bytes, 0) <= pages)
        return look_at_overflow(page, bytes);
    note.cells = cells.fault == PageFault::none ? cells.cells : cells.cell;
    note.make = cells.fault == PageFault::none
                    ? static_cast<std::uint8_t>(bytes[header])
                    : static_cast<std::uint8_t>(damaged_make + static_cast<int>(cells.fault));
    for (const auto& reference : cells.references)
        claim(reference.page, page, reference.chain > 0 ? Claim::first_overflow : Claim::child,
              reference.chain);
}

void PageSurvey::State::look_at_overflow(std::uint32_t page, std::string_view bytes) {
    auto& note = notes[page];
    note.make = overflow;
    note.next = four(bytes, 0);
    if (note.next >= 2 && can_be_used(note.next))
        claim(note.next, page, Claim::next_overflow, 0);
}

// Each page of the map tells of the pages right behind it.
void PageSurvey::State::look_at_pointers(std::uint32_t page, std::string_view bytes) {
    notes[page].make = pointers;
    for (std::uint32_t i = 0; i < usable / 5 && i < pages - page; ++i) {
        auto& pointer = pointing[page + 1 + i];
        pointer.kind = static_cast<std::uint8_t>(bytes[std::size_t{ 5 } * i]);
        pointer.parent = four(bytes, std::size_t{ 5 } * i + 1);
    }
}

// ---- in the end ----

std::string PageSurvey::State::place_of(std::uint32_t page) const {
    for (int i = 0; i <= deepest_tree_of_pages && page >= 1 && page <= pages; ++i) {
        const auto& note = notes[page];
        if (note.claim == Claim::root)
            for (const auto& tree : *trees)
                if (tree.root == page)
                    return " of " + tree.name;
        page = note.parent;
    }
    return "";
}

void PageSurvey::State::claim_roots() {
    for (std::size_t i = 0; i < trees->size(); ++i)
        claim((*trees)[i].root, of_schema, Claim::root, 0);
    for (std::size_t i = 0; i < trees->size(); ++i)
        if (const auto root = (*trees)[i].root; root >= 1 && root <= pages)
            if (auto& note = notes[root]; note.claim == Claim::root && is_tree_page(note.make))
                note.next = static_cast<std::uint32_t>(i);
}

void PageSurvey::State::judge_tree_page(std::uint32_t page) {
    auto& note = notes[page];
    if (note.make >= damaged_make && note.parent != 0)
        return fault(
            fmt::format("page {}{}: {}", page, place_of(page),
                        text_of(static_cast<PageFault>(note.make - damaged_make), note.cells)));
    if (note.claim == Claim::first_overflow || note.claim == Claim::next_overflow)
        return fault(fmt::format("page {}{} is no overflow page", page, place_of(note.parent)));
    if (note.parent == 0)
        return fault(fmt::format("page {} is never used", page));
    place_in_tree(page);
}

// Up to the root, which is never far.
void PageSurvey::State::place_in_tree(std::uint32_t page) {
    auto at = page;
    int depth = 1;
    for (; notes[at].claim == Claim::child && depth <= deepest_tree_of_pages; ++depth) {
        const auto above = notes[at].parent;
        if (is_leaf(notes[above].make) ||
            is_table_page(notes[above].make) != is_table_page(notes[at].make))
            return fault(fmt::format("page {}{} belongs to no page of its kind", at, place_of(at)));
        at = above;
    }
    if (notes[at].claim != Claim::root || !is_tree_page(notes[at].make))
        return fault(fmt::format("page {} is reached from no table or index", page));
    const auto tree = notes[at].next;
    auto& note = notes[page];
    note.next = tree;
    auto& counted = (*trees)[tree];
    ++counted.pages;
    if (note.make != 5)
        counted.entries += note.cells;
    if (is_leaf(note.make))
        judge_leaf_depth(page, tree, depth);
}

void PageSurvey::State::judge_leaf_depth(std::uint32_t page, std::uint32_t tree, int depth) {
    auto& known = leaf_depths[tree];
    if (known == 0)
        known = static_cast<std::uint8_t>(depth);
    if (known != depth)
        fault(
            fmt::format("page {}{} is {} deep, others {}", page, place_of(page), depth, int{ known }));
}

void PageSurvey::State::follow_chain(std::uint32_t page) {
    const auto by = notes[page].parent;
    const auto wanted = notes[page].chain;
    std::uint32_t found = 0;
    for (auto at = page; at != 0;) {
        auto& note = notes[at];
        if (note.make != overflow || ++found > wanted)
            break;
        note.claim = Claim::seen;
        const bool goes_on = note.next >= 2 && note.next <= pages && notes[note.next].parent == at &&
                             notes[note.next].claim == Claim::next_overflow;
        if (note.next != 0 && !goes_on)
            break;
        at = note.next;
        if (at == 0 && found == wanted) {
            if (is_tree_page(notes[by].make) && notes[by].next < trees->size())
                (*trees)[notes[by].next].pages += found;
            return;
        }
    }
    fault(fmt::format("page {}{}: the overflow chain that begins at page {} does not have {}", by,
                      place_of(by), page, counted(wanted, "page")));
}

void PageSurvey::State::judge_rest(std::uint32_t page) {
    const auto& note = notes[page];
    if (note.make == overflow && note.claim != Claim::seen)
        fault(note.claim == Claim::none
                  ? fmt::format("page {} is never used", page)
                  : fmt::format("page {}{}: it is no b-tree page and in no overflow chain", page,
                                place_of(page)));
    else if (note.make == unseen)
        fault(fmt::format("page {} was not read", page));
}

// 1 root, 2 free, 3 first of a chain, 4 another of it, 5 b-tree.
void PageSurvey::State::judge_pointer(std::uint32_t page) {
    const auto& note = notes[page];
    if (page == 1 || note.make == pointers || note.make == lock_page)
        return;
    Pointer right{ note.parent, 5 };
    if (note.make == free_page)
        right = { 0, 2 };
    else if (note.claim == Claim::root)
        right = { 0, 1 };
    else if (note.make == overflow)
        right.kind = note.chain > 0 ? 3 : 4;
    if (pointing[page].kind != right.kind || pointing[page].parent != right.parent)
        fault(fmt::format("the pointer map is wrong about page {}{}", page, place_of(page)));
}

PageSurvey::PageSurvey(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageSurvey::PageSurvey(PageSurvey&&) noexcept = default;
PageSurvey::~PageSurvey() = default;

Result<PageSurvey> PageSurvey::begin(std::uint32_t page_size, std::uint32_t pages, const ReadPage& read,
                                     const io::Path& folder) {
    const auto first = pages == 0 ? std::string() : TRY(read(1));
    const auto reserved = first.size() > 100 ? static_cast<unsigned char>(first[20]) : 0U;
    if (first.size() != page_size || page_size < 512 || page_size > 65536 ||
        page_size - reserved < 480 || pages >= of_free_list)
        return Error{ .kind = Kind::corrupt, .why = "the header of the database is damaged" };
    auto state = std::make_unique<State>();
    state->page_size = page_size;
    state->usable = page_size - reserved;
    state->pages = pages;
    state->lock = (1U << 30) / page_size + 1;
    state->has_pointers = four(first, 52) != 0;
    state->notes = TRY(FlatArray<Note>::make(std::uint64_t{ pages } + 1, folder));
    if (state->has_pointers)
        state->pointing = TRY(FlatArray<Pointer>::make(std::uint64_t{ pages } + 1, folder));
    TRY(state->follow_free_pages(four(first, 32), four(first, 36), read));
    return PageSurvey(std::move(state));
}

void PageSurvey::look(std::uint32_t first, std::string_view pages) {
    PageCells cells;
    for (auto page = first; pages.size() >= state_->page_size && page <= state_->pages && page > 0;
         ++page) {
        state_->look(page, pages.substr(0, state_->page_size), cells);
        pages.remove_prefix(state_->page_size);
    }
}

std::vector<std::string> PageSurvey::judge(std::vector<PageTree>& trees) {
    auto& state = *state_;
    state.trees = &trees;
    state.leaf_depths.assign(trees.size(), 0);
    state.claim_roots();
    for (std::uint32_t page = 1; page <= state.pages; ++page)
        if (const auto make = state.notes[page].make; is_tree_page(make) || make >= damaged_make)
            state.judge_tree_page(page);
    for (std::uint32_t page = 1; page <= state.pages; ++page)
        if (state.notes[page].claim == Claim::first_overflow && state.notes[page].make == overflow)
            state.follow_chain(page);
    for (std::uint32_t page = 1; page <= state.pages; ++page)
        state.judge_rest(page);
    for (std::uint32_t page = 1; state.has_pointers && page <= state.pages; ++page)
        state.judge_pointer(page);
    return std::move(state.lines);
}

std::optional<std::size_t> PageSurvey::tree_of(std::uint32_t page) const {
    const auto& state = *state_;
    // Up an overflow chain first.
    while (page >= 1 && page <= state.pages && state.notes[page].claim == Claim::seen)
        page = state.notes[page].parent;
    if (page < 1 || page > state.pages || !is_tree_page(state.notes[page].make) ||
        state.notes[page].parent == 0)
        return {};
    return state.notes[page].next;
}

} // namespace respawn::component
