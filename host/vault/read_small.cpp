// Many small contents at once, and contents compared with what is at hand.
#include "vault/codec.h"
#include "vault/content_lists.h"
#include "vault/state.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <future>

namespace respawn::vault {

namespace {

constexpr std::size_t at_once = 1 << 20;      // of a pack
constexpr std::uint64_t small_gap = 32 << 10; // read along rather than read apart

struct Wanted {
    Place place;
    std::size_t which = 0;
};

// Neighbours in one pack.
using Neighbours = std::vector<Wanted>;

std::uint64_t end_of(const Wanted& one) { return std::uint64_t{ one.place.offset } + one.place.length; }

bool belongs(const Neighbours& group, const Wanted& next) {
    const auto& first = group.front();
    const auto& last = group.back();
    return next.place.pack == first.place.pack && next.place.length > 0 &&
           next.place.offset <= end_of(last) + small_gap &&
           std::max(end_of(next), end_of(last)) - first.place.offset <= at_once;
}

std::vector<Neighbours> grouped(std::vector<Wanted> all) {
    std::ranges::sort(all, {}, [](const Wanted& one) {
        return std::tuple(one.place.pack, one.place.offset, one.which);
    });
    std::vector<Neighbours> groups;
    for (auto& one : all) {
        if (groups.empty() || !belongs(groups.back(), one))
            groups.emplace_back();
        groups.back().push_back(std::move(one));
    }
    return groups;
}

class SmallReader {
  public:
    SmallReader(Vault::State& state, const std::vector<Content>& contents,
                const Vault::TakeContent& take)
        : state_(state), contents_(contents), take_(take) {}

    Result<void> run() {
        std::vector<Wanted> wanted;
        for (std::size_t i = 0; i < contents_.size(); ++i) {
            const auto places = state_.places(contents_[i].root);
            wanted.push_back({ places.empty() ? Place{} : places.front(), i });
        }
        const auto groups = grouped(std::move(wanted));
        Result<void> outcome;
        for (std::size_t i = 0; i < groups.size() || !under_way_.empty();) {
            if (i < groups.size() && under_way_.size() <= state_.readers.size()) {
                begin(groups[i++]);
                continue;
            }
            auto done = under_way_.front().get();
            under_way_.pop_front();
            if (outcome.ok() && !done.ok()) {
                outcome = std::move(done);
                i = groups.size(); // what has begun still holds on to this
            }
        }
        return outcome;
    }

  private:
    void begin(const Neighbours& group) {
        auto work = std::make_shared<std::packaged_task<Result<void>()>>(
            [this, &group] { return read(group); });
        under_way_.push_back(work->get_future());
        state_.readers.begin([work] { (*work)(); });
    }

    Result<void> read(const Neighbours& group) {
        const auto& first = group.front().place;
        std::uint64_t end = 0;
        for (const auto& one : group)
            end = std::max(end, end_of(one));
        const auto bytes = first.length == 0
                               ? Result<std::string>(std::string())
                               : state_.read_pack_range(first.pack, first.offset, end - first.offset);
        const auto opener = state_.opener(first.pack, first.pack_size);
        for (const auto& one : group) {
            const auto frame = bytes.ok() && opener.ok()
                                   ? std::string_view(bytes.value())
                                         .substr(one.place.offset - first.offset, one.place.length)
                                   : std::string_view();
            TRY(hand_on(one, frame, opener));
        }
        return {};
    }

    Result<void> hand_on(const Wanted& one, std::string_view frame, const Result<PackOpener>& opener) {
        const auto& content = contents_[one.which];
        std::string plain;
        auto opened = frame.empty() ? Result<OpenBlob>(damaged("not read"))
                                    : open_frame(opener.value(), state_.identify, frame);
        if (opened.ok() && opened.value().id == content.root && opened.value().kind == BlobKind::data)
            plain = std::move(opened.value().plain);
        else // another copy, or the reason
            plain = TRY(state_.blob(content.root, BlobKind::data));
        if (plain.size() != content.size)
            return damaged(
                fmt::format("blob {} has another size than its content says", to_hex(content.root)));
        return take_(one.which, plain);
    }

    Vault::State& state_;
    const std::vector<Content>& contents_;
    const Vault::TakeContent& take_;
    std::deque<std::future<Result<void>>> under_way_;
};

class AtHandCheck {
  public:
    AtHandCheck(Vault::State& state, const Vault::AtHand& at_hand) : state_(state), at_hand_(at_hand) {}

    Result<bool> check(const ListItem& node, int depth) {
        if (depth > 0) {
            const auto list = TRY(state_.cached_list(node.id));
            for (const auto& item : list->items)
                if (!TRY(check(item, depth - 1)))
                    return false;
            return true;
        }
        if (!node.patches.empty() || node.size > max_blob)
            return false;
        const auto bytes = TRY(at_hand_(std::exchange(offset_, offset_ + node.size), node.size));
        return bytes.size() == node.size && state_.identify(BlobKind::data, bytes) == node.id;
    }
    std::uint64_t checked() const { return offset_; }

  private:
    Vault::State& state_;
    const Vault::AtHand& at_hand_;
    std::uint64_t offset_ = 0;
};

} // namespace

Result<void> Vault::read_small(const std::vector<Content>& contents, const TakeContent& take) {
    return SmallReader(*state_, contents, take).run();
}

Result<bool> Vault::is_at_hand(const Content& content, const AtHand& at_hand) {
    if (content.size == 0)
        return true;
    if (content.depth > max_depth_of_lists)
        return damaged("a content has more levels of lists than can be");
    AtHandCheck looking(*state_, at_hand);
    return TRY(looking.check({ content.root, content.size, {} }, content.depth)) &&
           looking.checked() == content.size;
}

} // namespace respawn::vault
