#include "fixture.h"

#include <fmt/format.h>

namespace respawn::vault_test {

// The library's cipher makes them: it is quick also where tests are built without optimisation.
std::string noise(std::size_t size, std::uint64_t seed) {
    const auto key = crypto::derive(crypto::Key(), fmt::format("noise {}", seed));
    auto bytes = crypto::seal(key, std::string(crypto::nonce_size, '\0'), "", std::string(size, '\0'));
    bytes.resize(size);
    return bytes;
}

std::string prose(std::size_t size, std::uint64_t seed) {
    std::string page, text;
    for (std::uint64_t line = seed; page.size() < 64 << 10; ++line)
        page += fmt::format("player {} won {} galleons against player {}\n", line * 31 % 2003,
                            line * line % 977, line * 17 % 2003);
    for (std::uint64_t number = 0; text.size() < size; ++number)
        text += fmt::format("page {}\n", number) + page;
    text.resize(size);
    return text;
}

Bench::Bench() : location(std::make_shared<BrokenLocation>()) {}

Result<std::unique_ptr<vault::Vault>> Bench::try_open() {
    auto opened = vault::Vault::open(location, key, cache);
    if (!opened.ok() && opened.error().kind == Kind::missing)
        return vault::Vault::create(location, key, cache);
    return opened;
}

Result<vault::Snapshot> back_up_into(vault::Vault& vault, const Files& files,
                                     vault::Counters* counters) {
    auto writer = TRY(vault.begin_backup());
    vault::Tree tree;
    std::uint64_t total = 0;
    for (const auto& [name, bytes] : files) {
        io::TextSource source(bytes);
        vault::TreeEntry entry{ .name = name, .mode = 0644, .size = bytes.size() };
        entry.content = TRY(writer.store(source));
        tree.push_back(entry);
        total += bytes.size();
    }
    vault::ComponentRecord record{ .name = "files", .kind = "files", .files = files.size() };
    record.size_bytes = total;
    record.tree = TRY(writer.store_tree(tree));
    vault::SnapshotDraft draft{ .game = "wox", .type = "manual", .started = now() };
    draft.components = { record };
    auto finished = writer.finish(std::move(draft));
    if (counters)
        *counters = writer.counters();
    return finished;
}

Result<vault::Snapshot> Bench::try_back_up(const Files& files) {
    const auto vault = TRY(try_open());
    return back_up_into(*vault, files);
}

Result<std::string> restored_from(vault::Vault& vault, const vault::Snapshot& snapshot,
                                  const std::string& name) {
    for (const auto& entry : TRY(vault.tree(snapshot.components.at(0).tree)))
        if (entry.name == name) {
            io::TextSink sink;
            TRY(vault.read(entry.content, sink));
            return sink.take();
        }
    return Error{ .kind = Kind::missing, .why = name };
}

Result<std::string> Bench::try_restored(const vault::Snapshot& snapshot, const std::string& name) {
    const auto vault = TRY(try_open());
    return restored_from(*vault, snapshot, name);
}

vault::CheckReport Bench::check(vault::CheckDepth depth) {
    return open()->check(depth, Cancellation()).value();
}

std::vector<std::string> Bench::damage() {
    std::vector<std::string> lines;
    for (const auto& damage : check().damage)
        lines.push_back(damage.object + ": " + damage.why);
    return lines;
}

Result<void> BrokenLocation::create(std::string_view name, io::Source& bytes) {
    const std::scoped_lock lock(mutex_);
    TRY(location::must_be_name(name));
    const bool fails = fail_at >= 0 && creations++ >= fail_at;
    const Error error{ .kind = failure, .why = "the disk of this test is broken" };
    if (fails && !(half_done && creations == fail_at + 1))
        return error;
    auto content = TRY(io::read_all(bytes));
    const auto [place, added] = files.try_emplace(std::string(name), content);
    if (!added && place->second != content)
        return Error{ .kind = Kind::conflict, .why = "other bytes are there" };
    if (fail_at < 0)
        ++creations;
    return fails ? Result<void>(error) : Result<void>();
}

Result<std::string> BrokenLocation::read(std::string_view name, location::Range range) {
    const std::scoped_lock lock(mutex_);
    TRY(location::must_be_name(name));
    const auto found = files.find(name);
    if (found == files.end())
        return Error{ .kind = Kind::missing, .why = std::string(name) + " is not there" };
    if (range.offset >= found->second.size())
        return std::string();
    auto bytes = found->second.substr(range.offset, range.length);
    bytes_read += bytes.size();
    return bytes;
}

Result<std::vector<location::Entry>> BrokenLocation::list(std::string_view prefix) {
    const std::scoped_lock lock(mutex_);
    std::vector<location::Entry> entries;
    for (const auto& [name, bytes] : files)
        if (name.starts_with(prefix))
            entries.push_back({ name, bytes.size() });
    return entries;
}

Result<void> BrokenLocation::remove(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = files.find(name); found != files.end())
        files.erase(found);
    return {};
}

BrokenLocation& broken(Bench& bench) { return static_cast<BrokenLocation&>(*bench.location); }

std::size_t bytes_in_packs(Bench& bench) {
    std::size_t bytes = 0;
    for (const auto& entry : bench.location->list("packs/").value())
        bytes += entry.size;
    return bytes;
}

std::string first_name(const BrokenLocation& location, std::string_view prefix) {
    const auto found = location.files.lower_bound(prefix);
    return found != location.files.end() && found->first.starts_with(prefix) ? found->first : "";
}

} // namespace respawn::vault_test
