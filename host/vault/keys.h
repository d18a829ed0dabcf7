// The vault's own keys, and the slot files that keep them. A slot file (keys/0001) holds the keyring
// sealed under a ring key of its own, and that ring key sealed once per slot to the slot's public key.
// Only what opens a slot has the secret key to it; the public keys stand in the sealed keyring. So
// whoever opens a vault can write the next slot file for all slots without asking for their secrets,
// and who was once a slot opens nothing that was written after it was removed. The highest number is
// the one in force. Each file is kept twice, the second time as keys/0001.copy.
#pragma once

#include "crypto/crypto.h"
#include "location/location.h"
#include "vault/format.h"
#include "vault/unlock.h"

#include <map>
#include <memory>
#include <string>

namespace respawn::vault {

inline constexpr std::size_t most_slots = 32;
inline constexpr std::size_t most_passphrases = 8; // each one that is tried takes its time

// As the keyring keeps it; kinds that this version does not know are kept as they are.
struct Slot {
    std::string id; // 8 random bytes
    SlotKind kind = SlotKind::key_file;
    std::string label;
    std::int64_t created = 0; // microseconds
    std::string parameters;   // also in the open part of the file
    std::string public_key;
    std::string replaces;       // id of the slot that goes when this one is in use; or empty
    std::int64_t confirmed = 0; // a recovery key: when a person showed that it is stored; or 0

    static Result<Slot> make(const Unlock& unlock, std::string label);
};

struct Keyring {
    std::string vault; // 16 bytes
    std::map<std::uint32_t, crypto::Key> epochs;
    crypto::Key ids, chunker, purposes;
    std::string readme; // the bytes of readme.txt
    std::vector<Slot> slots;

    // ---- not in the file's keyring ----
    unsigned number = 0;   // of the file it was read from
    std::string opened;    // id of the slot that opened it
    bool outdated = false; // newer slot files are there, all damaged

    static Keyring make(std::string_view url);
    // The epoch that new files are sealed under.
    std::uint32_t newest() const;
    // Old epochs stay: what is sealed under them can be read.
    void begin_epoch();
    // A key of an epoch's for one use: "pack", "index", "snapshot". Kind::corrupt for an epoch that
    // this keyring does not have.
    Result<crypto::Key> epoch_key(std::uint32_t epoch, std::string_view use) const;
    const Slot* slot(std::string_view id) const;
};

inline constexpr std::string_view readme_name = "readme.txt";

std::string slot_name(unsigned number); // "keys/0001"
std::string copy_of(std::string_view name);

// A slot file for all slots of the keyring, under a new ring key.
Result<std::string> seal_slots(const Keyring& keyring, unsigned number);
// What is wrong with a slot file, as far as can be told without a key; empty when nothing is.
std::string slots_fault(std::string_view bytes);
// Kind::corrupt for damaged bytes, Kind::denied when no slot opens with this.
Result<Keyring> open_slots(std::string_view bytes, unsigned number, const Unlock& unlock);

// The newest keyring of a vault, from either copy of its slot file; where both are damaged, from the
// newest file that is sound (`outdated`). Kind::missing when there is none.
Result<Keyring> read_keyring(location::Location& location, const Unlock& unlock);

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
