// The vault's own keys, and the slot files that keep them. A slot file (keys/0001) holds the keyring
// sealed under a random ring key, and that key wrapped once per slot: for format 0 one slot, a key
// file. The highest number is the one in force. Each is kept twice, the second time as keys/0001.copy.
#pragma once

#include "crypto/crypto.h"
#include "location/location.h"
#include "vault/format.h"

#include <map>
#include <memory>
#include <string>

namespace respawn::vault {

struct Keyring {
    std::string vault; // 16 bytes
    std::map<std::uint32_t, crypto::Key> epochs;
    crypto::Key ids, chunker, purposes;
    std::string readme; // the bytes of readme.txt

    static Keyring make(std::string_view url);
    // The epoch that new files are sealed under.
    std::uint32_t newest() const { return epochs.rbegin()->first; }
    // A key of an epoch's for one use: "pack", "index", "snapshot". Kind::corrupt for an epoch that
    // this keyring does not have.
    Result<crypto::Key> epoch_key(std::uint32_t epoch, std::string_view use) const;
};

inline constexpr std::string_view readme_name = "readme.txt";

std::string slot_name(unsigned number); // "keys/0001"
std::string copy_of(std::string_view name);

std::string seal_slots(const Keyring& keyring, unsigned number, const crypto::Key& key);
// What is wrong with a slot file, as far as can be told without a key; empty when nothing is.
std::string slots_fault(std::string_view bytes);
// Kind::corrupt for damaged bytes, Kind::denied when no slot opens with this key.
Result<Keyring> open_slots(std::string_view bytes, unsigned number, const crypto::Key& key);

// The newest keyring of a vault, from either copy of its slot file. Kind::missing when there is none.
Result<Keyring> read_keyring(location::Location& location, const crypto::Key& key);

// The numbers of all slot files, lowest first.
Result<std::vector<unsigned>> slot_numbers(location::Location& location);

// Computes chunk ids.
class Identifier {
  public:
    explicit Identifier(const Keyring& keyring);
    ChunkId operator()(BlobKind kind, std::string_view plain) const;

  private:
    std::array<std::unique_ptr<crypto::Mac>, 5> macs_; // by kind
};

} // namespace respawn::vault
