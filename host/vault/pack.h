// Packs: many blobs in one file, sealed under a key of its own that stands wrapped in the header and
// again in the trailer. Each blob has a frame, so that a pack can be read without its directory.
#pragma once

#include "crypto/crypto.h"
#include "vault/format.h"
#include "vault/keys.h"

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace respawn::vault {

inline constexpr std::size_t frame_header = 36;
inline constexpr std::size_t trailer_read = 4096; // a trailer is shorter

// What opens the blobs of one pack.
struct PackOpener {
    std::string vault; // 16 bytes
    PackId id;
    crypto::Key key;
};

// From the first bytes of a pack file, or from its last ones. Kind::corrupt when they are damaged or
// of another pack.
Result<PackOpener> open_header(const Keyring& keyring, const PackId& id, std::string_view first);
Result<PackOpener> open_trailer(const Keyring& keyring, const PackId& id, std::string_view last);

struct OpenBlob {
    ChunkId id;
    BlobKind kind;
    std::uint32_t ordinal;
    std::uint32_t flags; // as in a PackEntry
    std::string plain;
};
// The blob in a frame: authenticated, decompressed, its id computed anew and compared.
Result<OpenBlob> open_frame(const PackOpener& opener, const Identifier& identify,
                            std::string_view frame);
// The same, its bytes as they are coded, so that they need not be coded anew. Opened and compared like
// the other.
struct CodedBlob {
    ChunkId id;
    BlobKind kind = BlobKind::data;
    std::uint32_t flags = 0;
    std::size_t plain_size = 0;
    bool compressed = false;
    std::string coded;
};
Result<CodedBlob> open_coded(const PackOpener& opener, const Identifier& identify,
                             std::string_view frame);
// How long the frame is that begins here. Kind::corrupt when none does, or it would be longer than
// what is there.
Result<std::size_t> frame_length(std::string_view bytes);

class PackBuilder {
  public:
    explicit PackBuilder(const Keyring& keyring);
    // `coded`: the blob's bytes, compressed or as they are.
    void add(BlobKind kind, const ChunkId& id, std::size_t plain_size, std::string_view coded,
             bool compressed);
    std::size_t size() const { return bytes_.size(); }
    bool empty() const { return entries_.empty(); }
    bool full() const { return bytes_.size() >= pack_target || entries_.size() >= most_in_pack; }
    // Adds directory and trailer. The builder is used up.
    struct Finished {
        PackRecord record;
        std::string bytes;
    };
    Finished finish();

  private:
    PackOpener opener_;
    std::string header_;
    std::string bytes_;
    std::vector<PackEntry> entries_;
};

// What a whole pack file holds, found without the index.
struct PackContents {
    PackRecord record;
    bool from_directory = true; // else from the frames
    std::vector<bool> sound;    // for each of the record's entries: it was opened and is right
    std::vector<std::string> faults;
    std::uint64_t sound_blobs() const;
    std::unordered_set<ChunkId, IdHash> sound_ids() const;
};
// The record's SHA-256 is left to the caller, who may know it. Reads a pack by its directory, or by its
// frames where the directory is damaged. Kind::corrupt when its key cannot be unwrapped from either
// end.
Result<PackContents> read_pack(const Keyring& keyring, const Identifier& identify, const PackId& id,
                               std::string_view bytes);

// Opens everything in a pack just built. Kind::internal when it is not what was put in: then this
// machine's memory or a library is broken, and the pack must not be stored.
Result<void> prove_pack(const Keyring& keyring, const Identifier& identify,
                        const PackBuilder::Finished& pack);

inline constexpr std::size_t entry_size = 28;
std::string encode_entries(const std::vector<PackEntry>& entries);
// Kind::corrupt for entries that are no blobs, or lie outside of a pack of this size.
Result<std::vector<PackEntry>> decode_entries(std::string_view bytes, std::uint64_t pack_size);

} // namespace respawn::vault
