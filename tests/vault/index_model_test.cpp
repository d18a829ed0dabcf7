// The merged index against a model of it, a multimap: any order of merging, reopening and damage.
#include "fixture.h"

#include "vault/index_merge.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>

using namespace respawn;
using namespace respawn::vault_test;

namespace {

using Place =
    std::tuple<std::string, std::uint32_t, std::uint32_t, std::uint32_t>; // pack and three numbers
using Model = std::map<std::string, std::set<Place>>;

class Trial {
  public:
    explicit Trial(std::uint64_t seed) : random_(seed) {}

    void step() {
        switch (random_() % 8) {
        case 0:
            reopen();
            break;
        case 1:
            damage_and_reopen();
            break;
        default:
            merge();
        }
        compare();
    }

  private:
    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    // Few enough that ids meet again, and that they share their first bytes.
    std::string any_id() {
        std::string id(16, '\0');
        id[0] = static_cast<char>(below(3) * 127);
        id[7] = static_cast<char>(below(4));
        id[15] = static_cast<char>(below(40));
        return id;
    }
    vault::PackRecord any_pack() {
        vault::PackRecord pack{ .sha256 = std::string(32, 's'), .size = 1 << 20 };
        pack.id =
            vault::id_from<vault::PackId>(std::string(15, 'p') + static_cast<char>('a' + below(20)));
        for (auto count = below(30); count > 0; --count)
            pack.entries.push_back({ vault::id_from<vault::ChunkId>(any_id()),
                                     static_cast<std::uint32_t>(below(3)), 100,
                                     static_cast<std::uint32_t>(1 + below(2)) });
        return pack;
    }

    void merge() {
        vault::IndexMerge merge(file_, key_, index_);
        for (auto files = 1 + below(3); files > 0; --files) {
            std::vector<vault::PackRecord> packs;
            for (auto count = below(4); count > 0; --count)
                packs.push_back(any_pack());
            const auto name = crypto::random_bytes(16);
            REQUIRE(merge.add(name, packs).ok());
            names_.insert(name);
            for (const auto& pack : packs)
                for (const auto& entry : pack.entries)
                    model_[std::string(vault::view(entry.id))].emplace(
                        vault::view(pack.id), entry.offset, entry.length, entry.flags);
        }
        index_ = merge.finish().value();
    }

    void reopen() {
        auto opened = vault::MergedIndex::open(file_, key_);
        REQUIRE(opened.ok() == io::is_there(file_));
        if (opened.ok())
            index_ = std::move(opened).value();
    }

    // A flipped bit or a cut is found; the index is then made anew, here from the model's beginning.
    void damage_and_reopen() {
        if (!io::is_there(file_))
            return;
        auto bytes = io::read_file(file_, 1 << 30).value();
        if (below(2) == 0)
            bytes[below(bytes.size())] ^= static_cast<char>(1 << below(8));
        else
            bytes.resize(below(bytes.size()));
        std::ofstream(file_, std::ios::binary | std::ios::trunc) << bytes;
        const auto opened = vault::MergedIndex::open(file_, key_);
        REQUIRE(!opened.ok());
        REQUIRE(opened.error().kind == Kind::corrupt);
        index_ = {};
        model_.clear();
        names_.clear();
        std::filesystem::remove(file_);
    }

    void compare() {
        std::size_t rows = 0;
        for (const auto& [id, places] : model_) {
            std::set<Place> found;
            for (const auto& row : index_.find(vault::id_from<vault::ChunkId>(id)))
                found.emplace(vault::view(index_.packs()[row.pack].id), row.offset, row.length,
                              row.flags);
            REQUIRE(found == places);
            rows += places.size();
        }
        REQUIRE(index_.rows().size() == rows);
        REQUIRE(index_.find(vault::id_from<vault::ChunkId>(std::string(16, 'z'))).empty());
        REQUIRE(index_.files().size() == names_.size());
        REQUIRE(std::ranges::is_sorted(index_.rows()));
    }

    std::mt19937_64 random_;
    io::TemporaryFolder folder_ = io::TemporaryFolder::make().value();
    io::Path file_ = folder_.path() / "index";
    crypto::Key key_ = crypto::Key::random();
    vault::MergedIndex index_;
    Model model_;
    std::set<std::string> names_;
};

} // namespace

TEST_CASE("the merged index finds what a plain map finds, whatever comes in whatever order") {
    const char* given = ::getenv("RESPAWN_SEED");
    const auto first = given ? std::strtoull(given, nullptr, 10) : std::random_device()() % 1'000'000;
    const std::uint64_t trials = given ? 1 : ::getenv("RESPAWN_LONG") ? 2000 : 20;
    for (auto seed = first; seed < first + trials; ++seed) {
        INFO("RESPAWN_SEED=" << seed);
        Trial trial(seed);
        for (int steps = 0; steps < 25; ++steps)
            trial.step();
    }
}
