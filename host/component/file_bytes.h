// The bytes of one file and the holes in it. A sparse file's content is the bytes of its extents, one
// after the other; where all of it is one hole, it has a size, no content and no extents.
#pragma once

#include "component/file_cache.h"
#include "io/stream.h"
#include "vault/vault.h"

#include <functional>

namespace respawn::component {

struct Layout {
    std::uint64_t size = 0;
    bool has_holes = false;
    Extents extents; // of a file with holes
};
// Many small holes are joined with the data between them, so that a list stays short.
Layout layout_of(int file, const struct stat& status);

// Reads up to the size the layout says, whatever happens to the file meanwhile.
class LayoutSource final : public io::Source {
  public:
    LayoutSource(int file, const Layout& layout, const io::Path& path);
    Result<std::size_t> read(char* buffer, std::size_t size) override;
    // Why the file could not be read; nothing when the reading did not fail.
    const std::optional<Error>& fault() const { return fault_; }
    std::uint64_t taken() const { return taken_; }
    bool is_sqlite() const { return is_sqlite_; } // by its first bytes

  private:
    Result<std::size_t> read_at(char* buffer, std::size_t size, std::uint64_t offset);
    int file_;
    Extents stretches_;
    bool pads_;
    io::Path path_;
    std::size_t stretch_ = 0;
    std::uint64_t within_ = 0, taken_ = 0;
    bool is_sqlite_ = false;
    std::optional<Error> fault_;
};

// Hands a content's bytes on with the place in the file that each stretch has.
class PlacingSink final : public io::Sink {
  public:
    using Take = std::function<Result<void>(std::uint64_t offset, std::string_view bytes)>;
    PlacingSink(const vault::TreeEntry& entry, const Cancellation& cancel, Take take);
    Result<void> write(std::string_view bytes) override;
    std::uint64_t written() const { return written_; }

  private:
    Extents extents_;
    const Cancellation& cancel_;
    Take take_;
    std::size_t at_ = 0;
    std::uint64_t within_ = 0, written_ = 0;
};

// Kind::corrupt unless size, content and extents of a file's entry fit each other.
Result<void> must_be_sound(const vault::TreeEntry& entry);
// Into a new, empty file; holes stay holes. What another file, where one is given, has at the same
// place is taken from there instead of the vault.
Result<void> write_bytes(vault::Vault& from, const vault::TreeEntry& entry, int file,
                         const io::Path& path, const Cancellation& cancel, int like = -1);
// The same for bytes that are here.
Result<void> write_plain(std::string_view bytes, const vault::TreeEntry& entry, int file,
                         const io::Path& path, const Cancellation& cancel);
// True when the file holds exactly the entry's bytes.
Result<bool> same_bytes(vault::Vault& from, const vault::TreeEntry& entry, int file,
                        const io::Path& path, const Cancellation& cancel);

} // namespace respawn::component
