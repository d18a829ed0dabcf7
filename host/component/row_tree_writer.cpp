#include "component/row_digests.h"
#include "component/row_sort.h"
#include "component/row_tree.h"
#include "component/row_tree_state.h"

#include <algorithm>
#include <unistd.h>

namespace respawn::component {

namespace {

constexpr std::size_t most_runs = 8;            // then two of them are merged
constexpr std::uint64_t rebase_divisor = 4;     // runs of more than this share of the base: a new base
constexpr std::uint64_t small_base = 256 << 10; // is made anew each time: that costs a blob or two

// What a backup may meet in the one before, and stores all anew for.
bool is_lost(const Error& error) { return error.kind == Kind::corrupt || error.kind == Kind::missing; }

Error refused(Kind kind, std::string why) { return Error{ .kind = kind, .why = std::move(why) }; }

} // namespace

struct RowTreeWriter::State {
    State(vault::Writer& to, vault::Vault& vault, Plan how)
        : into(to), from(vault), plan(std::move(how)), hasher(vault),
          digests_key(vault.purpose_key("row digests")), digests(plan.state / "digests"),
          fresh(digests) {
        for (std::size_t key = 0; key < plan.unique_keys; ++key)
            unique.emplace_back(plan.state);
    }

    vault::Writer& into;
    vault::Vault& from;
    const Plan plan;
    const RowHasher hasher;
    const crypto::Key digests_key;
    const io::Path digests;

    // ---- of the last backup, while rows are compared with it ----
    std::optional<RowTree> before;
    std::vector<vault::TreeEntry> entries_before;
    std::optional<RowDigests> known; // of its rows; gone behind the last
    bool computed_anew = false;      // the digests
    bool rebase_due = false;

    // ---- of this one ----
    RowDigestsWriter fresh;
    std::optional<RowFileWriter> base, run; // one of them, or none so far
    std::vector<RowSort> unique;            // what belongs to it
    std::string last_key, entry;
    bool begun = false;
    RowSum sum;
    std::uint64_t bytes = 0, changed = 0, unchanged_bytes = 0;

    Result<void> recall();
    Result<bool> recall_tree();
    Result<bool> is_whole();
    Result<void> recall_digests();
    Result<void> compute_digests();
    Result<void> must_fit(std::string_view key, std::string_view row, std::span<const Cell> cells);
    Result<void> add(std::string_view key, std::string_view row, std::span<const Cell> cells);
    Result<void> next_known();
    Result<void> pass_removed(std::optional<std::string_view> up_to);
    Result<bool> is_known(std::string_view key, const RowDigest& digest);
    Result<void> change(std::string_view key, Cell row, std::uint64_t cut);
    Result<void> begin_base(std::string_view key);
    Result<void> copy_up_to(std::string_view key, RowFileWriter& to);
    Result<void> add_unique(std::string_view key, std::span<const Cell> cells);
    Result<std::vector<vault::TreeEntry>> finish();
    Result<std::vector<vault::TreeEntry>> nothing_changed();
    Result<RowPart> finished_part(RowFileWriter& rows, std::uint32_t number);
    Result<void> keep_few_runs(std::vector<RowPart>& parts);
    Result<RowPart> merged(const RowPart& older, const RowPart& newer);
    Result<StoredRowFile> merged(const StoredRowFile& older, const StoredRowFile& newer);
};

// ---- what was there before ----

// All is stored anew where the last backup cannot be leaned on.
Result<void> RowTreeWriter::State::recall() {
    if (plan.keyed && plan.before) {
        auto recalled = recall_tree();
        if (recalled.ok() && recalled.value())
            return {};
        if (!recalled.ok() && !is_lost(recalled.error()) && recalled.error().kind != Kind::unsupported)
            return std::move(recalled).failure();
    }
    before.reset();
    known.reset();
    base.emplace(into);
    return {};
}

Result<bool> RowTreeWriter::State::recall_tree() {
    before = TRY(RowTree::open(from, *plan.before));
    const auto& head = before->state().head;
    if (!head.keyed || head.schema != plan.schema || head.unique_keys != plan.unique_keys)
        return false;
    const auto base_bytes = head.parts.front().rows.rows.size;
    if (head.parts.size() == 1 && base_bytes < small_base)
        return false;
    entries_before = entries_of(head, *plan.before);
    if (!TRY(is_whole()))
        return false;
    rebase_due = head.run_bytes() > base_bytes / rebase_divisor;
    TRY(recall_digests());
    return true;
}

Result<bool> RowTreeWriter::State::is_whole() {
    for (const auto& entry_before : entries_before)
        if (!TRY(into.holds(entry_before.content)))
            return false;
    return true;
}

Result<void> RowTreeWriter::State::recall_digests() {
    auto cached = RowDigests::open(digests, digests_key, fingerprint(entries_before));
    if (cached.ok())
        known.emplace(std::move(cached).value());
    else
        TRY(compute_digests());
    return next_known();
}

Result<void> RowTreeWriter::State::compute_digests() {
    const auto again = io::Path(digests.string() + ".again");
    RowDigestsWriter writer(again);
    auto rows = TRY(before->rows_from());
    while (TRY(rows.next()))
        TRY(writer.add(rows.key(), hasher.of_row(hasher.of_key(rows.key()), rows.row())));
    TRY(writer.finish(digests_key, "again"));
    known.emplace(TRY(RowDigests::open(again, digests_key, "again")));
    ::unlink(again.c_str());
    computed_anew = true;
    return {};
}

Result<void> RowTreeWriter::State::next_known() {
    if (!TRY(known->next()))
        known.reset();
    return {};
}

// ---- rows ----

Result<void> RowTreeWriter::State::must_fit(std::string_view key, std::string_view row,
                                            std::span<const Cell> cells) {
    if (key.size() > longest_key)
        return refused(Kind::unsupported, "a row's key has more bytes than a backup takes: 65,536");
    if (row.size() > longest_row)
        return refused(Kind::unsupported, "a row has more bytes than a backup takes: 1 GiB");
    if (cells.size() != plan.unique_keys || (!plan.keyed && !key.empty()))
        return refused(Kind::internal, "a row came with another number of keys than was said");
    if (plan.keyed && begun && key <= last_key)
        return refused(Kind::corrupt, "rows did not come in the order of their keys");
    return {};
}

Result<void> RowTreeWriter::State::add(std::string_view key, std::string_view row,
                                       std::span<const Cell> cells) {
    TRY(must_fit(key, row, cells));
    begun = true;
    const auto cut = hasher.of_key(key);
    const auto digest = hasher.of_row(cut, row);
    sum.add(digest);
    bytes += key.size() + row.size();
    if (!plan.keyed)
        return change(key, row, digest.low);
    last_key = key;
    TRY(fresh.add(key, digest));
    TRY(pass_removed(key));
    const bool same = !base && TRY(is_known(key, digest));
    if (same)
        unchanged_bytes += key.size() + row.size();
    else
        TRY(change(key, row, cut));
    return same && !rebase_due ? Result<void>() : add_unique(key, cells);
}

// Rows of the last backup that lie before this key are gone; behind the last one, all.
Result<void> RowTreeWriter::State::pass_removed(std::optional<std::string_view> up_to) {
    while (!base && known && (!up_to || known->key() < *up_to)) {
        TRY(change(known->key(), {}, hasher.of_key(known->key())));
        TRY(next_known());
    }
    return {};
}

Result<bool> RowTreeWriter::State::is_known(std::string_view key, const RowDigest& digest) {
    if (!known || known->key() != key)
        return false;
    const bool same = known->digest() == digest;
    TRY(next_known());
    return same;
}

Result<void> RowTreeWriter::State::change(std::string_view key, Cell row, std::uint64_t cut) {
    ++changed;
    if (!base && rebase_due)
        TRY(begin_base(key));
    if (base)
        return row ? base->add(key, row, cut) : Result<void>();
    if (!run)
        run.emplace(into);
    return run->add(key, row, cut);
}

// Only now, so that a table that has not changed costs nothing. What lies before the first change comes
// out of the vault; where it does not, the base before goes on.
Result<void> RowTreeWriter::State::begin_base(std::string_view key) {
    RowFileWriter to(into);
    auto copied = copy_up_to(key, to);
    rebase_due = false;
    if (copied.ok())
        base.emplace(std::move(to));
    return copied.ok() || is_lost(copied.error()) ? Result<void>() : std::move(copied);
}

Result<void> RowTreeWriter::State::copy_up_to(std::string_view key, RowFileWriter& to) {
    auto rows = TRY(before->rows_from());
    while (TRY(rows.next()) && rows.key() < key)
        TRY(to.add(rows.key(), rows.row(), hasher.of_key(rows.key())));
    return {};
}

Result<void> RowTreeWriter::State::add_unique(std::string_view key, std::span<const Cell> cells) {
    for (std::size_t number = 0; number < cells.size(); ++number) {
        if (!cells[number])
            continue;
        entry = value_digest(hasher, *cells[number]);
        entry += key;
        TRY(unique[number].add(entry, {}));
    }
    return {};
}

// ---- the end ----

Result<std::vector<vault::TreeEntry>> RowTreeWriter::State::finish() {
    TRY(pass_removed({}));
    vault::count_unchanged(into, unchanged_bytes);
    if (!base && !run)
        return nothing_changed();
    RowHead head{ .keyed = plan.keyed,
                  .schema = plan.schema,
                  .unique_keys = plan.unique_keys,
                  .sum = sum,
                  .parts = {} };
    if (base) {
        head.parts.push_back(TRY(finished_part(*base, 0)));
    } else {
        head.parts = before->state().head.parts;
        TRY(keep_few_runs(head.parts));
        head.parts.push_back(TRY(finished_part(*run, head.parts.back().number + 1)));
    }
    const auto entries = TRY(store_head(into, head));
    if (!plan.keyed || (base && head.parts.front().rows.rows.size < small_base))
        fresh.leave_none();
    else
        TRY(fresh.finish(digests_key, fingerprint(entries)));
    return entries;
}

Result<std::vector<vault::TreeEntry>> RowTreeWriter::State::nothing_changed() {
    if (computed_anew)
        TRY(fresh.finish(digests_key, fingerprint(entries_before)));
    else
        fresh.give_up();
    return entries_before;
}

Result<RowPart> RowTreeWriter::State::finished_part(RowFileWriter& rows, std::uint32_t number) {
    RowPart part{ .number = number, .rows = {}, .unique = {} };
    part.rows = TRY(rows.finish());
    for (auto& sort : unique) {
        RowFileWriter file(into);
        TRY(sort.each([&](std::string_view key, std::string_view) {
            return file.add(key, "", hasher.of_key(key));
        }));
        part.unique.push_back(TRY(file.finish()));
    }
    return part;
}

// Merges the two neighbours that are smallest together, so that there is room for one more. Where they
// cannot be read, there are more of them until a new base.
Result<void> RowTreeWriter::State::keep_few_runs(std::vector<RowPart>& parts) {
    while (parts.size() > most_runs) {
        auto smallest = parts.begin() + 1;
        const auto size = [](auto part) { return part[0].rows.rows.size + part[1].rows.rows.size; };
        for (auto part = smallest; part + 1 != parts.end(); ++part)
            if (size(part) < size(smallest))
                smallest = part;
        auto one = merged(smallest[0], smallest[1]);
        if (!one.ok())
            return is_lost(one.error()) ? Result<void>() : std::move(one).failure();
        smallest[0] = std::move(one).value();
        parts.erase(smallest + 1);
    }
    return {};
}

Result<RowPart> RowTreeWriter::State::merged(const RowPart& older, const RowPart& newer) {
    RowPart part{ .number = newer.number, .rows = {}, .unique = {} };
    part.rows = TRY(merged(older.rows, newer.rows));
    for (std::size_t key = 0; key < plan.unique_keys; ++key)
        part.unique.push_back(TRY(merged(older.unique[key], newer.unique[key])));
    return part;
}

Result<StoredRowFile> RowTreeWriter::State::merged(const StoredRowFile& older,
                                                   const StoredRowFile& newer) {
    RowFileWriter file(into);
    RowCursor::State both;
    TRY(both.begin({ RowFile(from, older, true), RowFile(from, newer, true) }, {}, RowTree::From::at));
    while (TRY(both.next_entry()))
        TRY(file.add(both.newest->key(), both.newest->row(), hasher.of_key(both.newest->key())));
    return file.finish();
}

RowTreeWriter::RowTreeWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RowTreeWriter::RowTreeWriter(RowTreeWriter&&) noexcept = default;
RowTreeWriter& RowTreeWriter::operator=(RowTreeWriter&&) noexcept = default;
RowTreeWriter::~RowTreeWriter() = default;

Result<RowTreeWriter> RowTreeWriter::begin(vault::Writer& into, vault::Vault& from, Plan plan) {
    auto state = std::make_unique<State>(into, from, std::move(plan));
    TRY(state->recall());
    return RowTreeWriter(std::move(state));
}

Result<void> RowTreeWriter::add(std::string_view key, std::string_view row,
                                std::span<const Cell> unique) {
    return state_->add(key, row, unique);
}

Result<std::vector<vault::TreeEntry>> RowTreeWriter::finish() { return state_->finish(); }
const RowSum& RowTreeWriter::sum() const { return state_->sum; }
std::uint64_t RowTreeWriter::bytes() const { return state_->bytes; }
std::uint64_t RowTreeWriter::changed() const { return state_->changed; }

} // namespace respawn::component
