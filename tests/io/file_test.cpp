#include "io/create_same.h"

#include <catch2/catch.hpp>

using namespace respawn;

TEST_CASE("a created file is whole, and its name is never taken twice") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto path = folder.path() / "a" / "pack";
    REQUIRE(io::make_folder(path.parent_path()).ok());
    REQUIRE(io::create_durably(path, "old").ok());
    REQUIRE(io::create_durably(path, "new").error().kind == Kind::conflict);
    REQUIRE(io::read_file(path).value() == "old");
    REQUIRE(io::replace_durably(path, "new").ok());
    REQUIRE(io::read_file(path).value() == "new");
    REQUIRE(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}) == 1);
}

TEST_CASE("a file that is there already is as good as created when it holds the same bytes") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto path = folder.path() / "pack";
    const auto create = [&](const std::string& bytes) {
        io::TextSource source(bytes);
        return io::create_same_durably(path, source);
    };
    const std::string old(600'000, 'o');
    REQUIRE(create(old).ok());
    REQUIRE(create(old).ok());
    for (const auto& other : { old + "o", old.substr(1), "p" + old.substr(1), std::string() })
        REQUIRE(create(other).error().kind == Kind::conflict);
    REQUIRE(io::read_file(path).value() == old);
    REQUIRE(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a missing file and a full disk are errors of their own kind") {
    REQUIRE(io::read_file("/nowhere/at/all").error().kind == Kind::missing);
    REQUIRE(io::system_error("write", "/x", ENOSPC).kind == Kind::no_space);
}

TEST_CASE("a file lock is held by one at a time and let go with its owner") {
    const auto folder = io::TemporaryFolder::make().value();
    const auto path = folder.path() / "lock";
    {
        const auto first = io::FileLock::try_lock(path).value();
        REQUIRE(first.has_value());
        REQUIRE_FALSE(io::FileLock::try_lock(path).value().has_value());
    }
    REQUIRE(io::FileLock::try_lock(path).value().has_value());
}
