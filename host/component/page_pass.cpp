#include "component/page_pass.h"

#include "base/bytes.h"
#include "base/thread_pool.h"
#include "crypto/crypto.h"
#include "vault/image.h"

#include <algorithm>
#include <deque>
#include <future>

namespace respawn::component {

namespace {

constexpr std::size_t first_page_header = 100;

std::string without_volatile_fields(std::string page) {
    for (const auto& [at, size] : { std::pair(18, 2), { 24, 4 }, { 92, 8 } })
        std::fill_n(page.begin() + at, size, '\0');
    return page;
}

struct Block {
    std::uint32_t first = 0; // its first page
    std::string bytes;
    std::future<std::string> digests;
};

class Pass {
  public:
    explicit Pass(const PagePass& what) : what_(what) {}

    Result<std::string> run() {
        const auto each =
            static_cast<std::uint32_t>(std::max<std::size_t>(1, vault::image_block / what_.page_size));
        for (std::uint64_t first = 1; first <= what_.pages; first += each) {
            TRY(begin(static_cast<std::uint32_t>(first), each));
            if (waiting_.size() > pool_.size() + 2)
                TRY(hand_on());
        }
        while (!waiting_.empty())
            TRY(hand_on());
        return to_hex(sum_.finish());
    }

  private:
    Result<void> begin(std::uint32_t first, std::uint32_t count) {
        auto& block = waiting_.emplace_back();
        block.first = first;
        block.bytes = TRY(what_.read(first, count));
        auto work = std::make_shared<std::packaged_task<std::string()>>(
            [this, first, bytes = std::string_view(block.bytes)] {
                if (what_.survey)
                    what_.survey->look(first, bytes);
                return what_.hasher(bytes);
            });
        block.digests = work->get_future();
        pool_.begin([work] { (*work)(); });
        return {};
    }

    Result<void> hand_on() {
        auto& block = waiting_.front();
        const auto digests = block.digests.get();
        if (block.first == 1 &&
            block.bytes.size() >= std::max<std::size_t>(what_.page_size, first_page_header)) {
            sum_.add(what_.hasher(without_volatile_fields(block.bytes.substr(0, what_.page_size))));
            sum_.add(std::string_view(digests).substr(vault::PageDigests::size));
        } else {
            sum_.add(digests);
        }
        if (what_.take)
            TRY(what_.take(block.bytes, digests));
        waiting_.pop_front();
        return {};
    }

    const PagePass& what_;
    crypto::Hash sum_;
    std::deque<Block> waiting_; // a deque does not move what is in it
    ThreadPool pool_;           // goes first, ending what looks at the blocks
};

} // namespace

Result<std::string> pass_over(const PagePass& pass) { return Pass(pass).run(); }

} // namespace respawn::component
