// What SQLite's integrity_check says of a file's structure, found by looking at each page once, in any
// order and on many threads, while the pages pass on their way into a backup: cells within their pages
// and not over each other, free blocks, rowids in order within a page; and in the end that each page is
// reached exactly once, from a table or index, its overflow chains, the list of free pages or the
// pointer map. Order of keys across pages, and what rows say, it does not see.
//
// Pages are foreign bytes: whatever they hold is damage at worst. Memory: 16 bytes a page, 24 with a
// pointer map (3.8 and 5.7 MiB a GiB of 4 KiB pages); beyond 16 MiB of it in a mapped file.
#pragma once

#include "base/result.h"
#include "io/file.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::component {

// A table or an index, by its root page.
struct PageTree {
    std::string name; // "table players", "index rich": for people
    std::uint32_t root = 0;
    // Found by judge().
    std::uint64_t entries = 0; // rows of a table, entries of an index
    std::uint64_t pages = 0;   // overflow pages among them
};

class PageSurvey {
  public:
    using ReadPage = std::function<Result<std::string>(std::uint32_t number)>;

    // Reads page 1 and the list of free pages. `folder` takes the mapped file, which has no name.
    static Result<PageSurvey> begin(std::uint32_t page_size, std::uint32_t pages, const ReadPage& read,
                                    const io::Path& folder);
    PageSurvey(PageSurvey&&) noexcept;
    ~PageSurvey();

    // Whole pages from this number on. Thread-safe; each page once.
    void look(std::uint32_t first, std::string_view pages);

    // When all pages were looked at: counts into the trees, which are all that the schema names and the
    // schema itself (root 1), and names what is damaged: "page 812 of table players: cell 3 reaches
    // past its page". At most 100 lines.
    std::vector<std::string> judge(std::vector<PageTree>& trees);

    // Once judged: which tree a page belongs to, by its place in the list; nothing for the rest.
    std::optional<std::size_t> tree_of(std::uint32_t page) const;

  private:
    struct State;
    explicit PageSurvey(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

} // namespace respawn::component
