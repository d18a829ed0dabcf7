#include "vault/repack.h"

#include "vault/frames.h"
#include "vault/pack_writer.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::vault {

namespace {

constexpr std::size_t most_rows = 1 << 19; // held in memory at a time: 16 MiB

class Repack {
  public:
    Repack(Vault::State& vault, Lease& lease, const Survey& survey, const PackUse& use,
           const Cancellation& cancel)
        : vault_(vault), lease_(lease), survey_(survey), use_(use), cancel_(cancel),
          packs_(vault.keyring, vault.identify, *vault.location) {}

    Result<Repacked> run(const std::vector<std::uint32_t>& packs) {
        for (std::size_t begin = 0, end = 0; begin < packs.size(); begin = end) {
            std::size_t rows = 0;
            for (end = begin; end < packs.size() && (end == begin || rows < most_rows); ++end)
                rows += use_.live_blobs(packs[end]);
            TRY(portion({ packs.begin() + static_cast<std::ptrdiff_t>(begin),
                          packs.begin() + static_cast<std::ptrdiff_t>(end) }));
        }
        TRY(packs_.flush());
        TRY(index_written());
        return std::move(done_);
    }

  private:
    // What is needed of these packs, in the order in which it lies there.
    std::vector<IndexRow> needed_of(const std::vector<std::uint32_t>& packs) const {
        const std::unordered_set<std::uint32_t> wanted(packs.begin(), packs.end());
        const auto& reach = survey_.reach;
        const auto rows = reach.index().rows();
        std::vector<IndexRow> needed;
        for (std::size_t first = 0, end = 0; first < rows.size(); first = end) {
            end = reach.group_end(first);
            if (!reach.reached(first))
                continue;
            const auto& row = rows[use_.kept_row(first, end)];
            if (wanted.contains(row.pack))
                needed.push_back(row);
        }
        std::ranges::sort(needed, [](const IndexRow& a, const IndexRow& b) {
            return std::pair(a.pack, a.offset) < std::pair(b.pack, b.offset);
        });
        return needed;
    }

    Result<void> portion(const std::vector<std::uint32_t>& packs) {
        const auto needed = needed_of(packs);
        for (std::size_t begin = 0, end = 0; begin < needed.size(); begin = end) {
            while (end < needed.size() && needed[end].pack == needed[begin].pack)
                ++end;
            TRY(cancel_.check());
            const auto& pack = survey_.reach.index().packs()[needed[begin].pack];
            const auto copied = copy({ needed.data() + begin, end - begin }, pack);
            if (copied.ok())
                done_.copied.insert(pack.id);
            else if (copied.error().kind == Kind::corrupt)
                done_.notes.push_back(fmt::format("{} is damaged and was left as it is: {}",
                                                  pack_name(pack.id), copied.error().why));
            else
                return copied;
        }
        return {};
    }

    Result<void> copy(std::span<const IndexRow> rows, const PackRow& pack) {
        const auto opener = TRY(vault_.opener(pack.id, pack.size));
        return read_frames(vault_, pack, rows, [&](const IndexRow& row, std::string_view frame) {
            return add(opener, row, frame);
        });
    }

    Result<void> add(const PackOpener& opener, const IndexRow& row, std::string_view frame) {
        auto blob = TRY(open_coded(opener, vault_.identify, frame));
        if (blob.id != row.id || blob.flags != row.flags)
            return damaged("another blob lies where the index says");
        TRY(packs_.add_coded(std::move(blob)));
        return packs_.index_is_due() ? index_written() : Result<void>();
    }

    // What is durable by now is read back, and counts when an index file names it.
    Result<void> index_written() {
        const auto written = packs_.take_written();
        if (written.empty())
            return {};
        for (const auto& pack : written)
            TRY(must_read_back(pack));
        TRY(lease_.hold());
        const auto name = index_name(crypto::random_bytes(16));
        const auto sealed = seal_index(vault_.keyring, name, written);
        io::TextSource source(sealed);
        return vault_.location->create(name, source);
    }

    Result<void> must_read_back(const PackRecord& pack) {
        const auto bytes = TRY(vault_.location->read(pack_name(pack.id), { 0, max_pack + 1 }));
        if (crypto::sha256(bytes) != pack.sha256)
            return Error{ .kind = Kind::io,
                          .why = fmt::format("{} reads back as other bytes than were written",
                                             pack_name(pack.id)),
                          .fix = "nothing was deleted; test the disk or the server of the vault" };
        done_.fresh.insert(pack.id);
        done_.written_bytes += pack.size;
        return {};
    }

    Vault::State& vault_;
    Lease& lease_;
    const Survey& survey_;
    const PackUse& use_;
    const Cancellation& cancel_;
    PackWriter packs_;
    Repacked done_;
};

} // namespace

Result<Repacked> repack(Vault::State& vault, Lease& lease, const Survey& survey, const PackUse& use,
                        const std::vector<std::uint32_t>& packs, const Cancellation& cancel) {
    return Repack(vault, lease, survey, use, cancel).run(packs);
}

} // namespace respawn::vault
