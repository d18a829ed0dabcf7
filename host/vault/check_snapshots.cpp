// Snapshot files, and the numbers that show a removed one.
#include "vault/check.h"
#include "vault/numbers.h"
#include "vault/removal.h"
#include "vault/snapshot_file.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace respawn::vault {

namespace {

Result<void> check_file(Check& check, const std::string& id) {
    const auto name = snapshot_name(id);
    const auto bytes = TRY(check.read(name, max_document));
    TRY(check.vault.meet_document(bytes));
    auto snapshot = open_snapshot(check.vault.keyring, id, bytes);
    if (snapshot.ok()) {
        check.snapshots.push_back(std::move(snapshot).value());
        return {};
    }
    if (auto anew = check.vault.snapshot_from_copy(id); anew.ok()) {
        check.note(fmt::format("{} is damaged; {} stands in its place", name, snapshot_copy_name(id)));
        check.snapshots.push_back(std::move(anew).value());
        return {};
    }
    auto copy = check.vault.snapshot_from_pack(id);
    const auto damage = check.damage(name, snapshot.error().why);
    if (copy.ok()) {
        check.report.damage[damage].why += "; its copy in a pack is sound and is used";
        check.snapshots.push_back(std::move(copy).value());
    } else {
        check.hurts(damage, "snapshot " + id);
        check.unreadable_snapshots = true;
    }
    return {};
}

struct WriterNumbers {
    std::map<std::uint64_t, std::string> ids;
    std::uint64_t highest = 0;
    std::set<std::uint64_t> elsewhere; // at other locations
};

// One gap is one line, however many are gone. Those that another location has are none.
void say_gap(Check& check, const std::string& writer, std::uint64_t first, std::uint64_t last,
             const WriterNumbers& numbers) {
    const auto here = numbers.elsewhere.lower_bound(first),
               behind = numbers.elsewhere.upper_bound(last);
    if (here != behind && static_cast<std::uint64_t>(std::distance(here, behind)) == last - first + 1) {
        check.note(fmt::format("{} of writer {} at another location alone: respawn replicate",
                               first == last ? fmt::format("snapshot {}", first)
                                             : fmt::format("snapshots {} to {}", first, last),
                               writer + (first == last ? " is" : " are")));
        return;
    }
    const auto which = first == last ? fmt::format("snapshot {}", first)
                                     : fmt::format("snapshots {} to {}", first, last);
    check.damage("snapshots", fmt::format("{} of writer {} {} gone, and no tombstone says why", which,
                                          writer, first == last ? "is" : "are"));
}

// A number that neither a snapshot nor a tombstone has was removed by somebody, or the vault was put
// back to an older state. Numbers are authenticated but may be huge: gaps are found, not counted out.
void check_numbers(Check& check, const std::string& writer, const WriterNumbers& numbers) {
    const auto& files = check.files;
    const auto has_tombstone = [&](std::uint64_t number) {
        const auto name = tombstone_name(writer, number);
        return std::ranges::binary_search(files, name, {}, &location::Entry::name);
    };
    std::uint64_t expected = 1;
    const auto must_reach = [&](std::uint64_t next) {
        while (expected < next && has_tombstone(expected))
            ++expected;
        if (expected < next) {
            auto last = next - 1;
            while (last > expected && has_tombstone(last))
                --last;
            say_gap(check, writer, expected, last, numbers);
        }
        expected = next + 1;
    };
    for (const auto& [number, id] : numbers.ids)
        must_reach(number);
    must_reach(std::max(numbers.highest + 1, expected));
}

} // namespace

namespace {

// Those that repair has written beside damaged files.
Result<void> check_copies(Check& check) {
    constexpr std::string_view ending = ".copy";
    for (const auto& file : check.named("snapshots/")) {
        if (!file.name.ends_with(ending))
            continue;
        const auto id = snapshot_from_name(file.name.substr(0, file.name.size() - ending.size()));
        const auto bytes = TRY(check.read(file.name, max_document));
        TRY(check.vault.meet_document(bytes));
        const auto opened = open_snapshot_copy(check.vault.keyring, id, bytes);
        if (!id.empty() && !opened.ok())
            check.damage(file.name, opened.error().why);
    }
    return {};
}

} // namespace

Result<void> check_snapshots(Check& check) {
    TRY(check_copies(check));
    const auto removed = removed_ids(TRY(list_tombstones(check.vault)));
    for (const auto& id : TRY(check.vault.snapshot_ids()))
        if (removed.contains(id))
            check.note(fmt::format("snapshot {} was removed; the next prune removes its file", id));
        else
            TRY(check_file(check, id));
    check.report.snapshots = check.snapshots.size();
    std::map<std::string, WriterNumbers> writers;
    for (const auto& snapshot : check.snapshots)
        writers[snapshot.writer].ids.emplace(snapshot.number, snapshot.id);
    for (const auto& [writer, number] : known_numbers(check.vault))
        writers[writer].highest = std::max(writers[writer].highest, number);
    for (const auto& snapshot : check.elsewhere)
        if (const auto known = writers.find(snapshot.writer); known != writers.end())
            known->second.elsewhere.insert(snapshot.number);
    if (check.unreadable_snapshots) {
        check.note("whether a snapshot was removed cannot be told while some cannot be read");
        return {};
    }
    for (const auto& [writer, numbers] : writers)
        check_numbers(check, writer, numbers);
    WriterHighest seen;
    for (const auto& snapshot : check.snapshots)
        seen[snapshot.writer] = std::max(seen[snapshot.writer], snapshot.number);
    return note_numbers(check.vault, seen);
}

} // namespace respawn::vault
