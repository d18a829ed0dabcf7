// What opens a vault: the key of a key file, a passphrase, or a recovery key.
#pragma once

#include "base/secret.h"
#include "crypto/crypto.h"
#include "crypto/passphrase.h"

#include <map>
#include <string>

namespace respawn::vault {

// The numbers stand in slot files.
enum class SlotKind : std::uint8_t { key_file = 1, passphrase = 2, public_key = 3, recovery = 4 };
std::string_view name_of(SlotKind kind); // "key file"

// Not thread-safe: it remembers what a passphrase was stretched to, for that is slow on purpose.
class Unlock {
  public:
    // Implicit: a key alone is a key file's.
    Unlock(const crypto::Key& key_file);
    Unlock(const Unlock& other);
    Unlock(Unlock&& other) noexcept;
    Unlock& operator=(const Unlock& other);
    Unlock& operator=(Unlock&& other) noexcept;
    ~Unlock();
    static Unlock recovery(const crypto::Key& key);
    // `cost` is for new slots; slots that are there have their own.
    static Unlock passphrase(Secret passphrase, crypto::ScryptCost cost = {});

    SlotKind kind() const { return kind_; }
    // What a new slot for this says besides: salt and cost of a passphrase, else nothing.
    std::string fresh_parameters() const;
    // Kind::corrupt for parameters that are none, Kind::unsupported for an unfair cost.
    Result<crypto::Key> slot_key(std::string_view parameters) const;
    // Kind::usage for a passphrase that is too short for a new slot.
    Result<void> must_be_strong() const;

    // For small files of this machine that the same secret opens, also when the vault is out of reach.
    Result<std::string> seal(std::string_view purpose, std::string_view plain) const;
    Result<std::string> open(std::string_view purpose, std::string_view sealed) const;

  private:
    Unlock(SlotKind kind, const crypto::Key& key);

    SlotKind kind_;
    crypto::Key key_;   // of a key file, or a recovery key
    Secret passphrase_; // else
    crypto::ScryptCost cost_;
    mutable std::map<std::string, crypto::Key, std::less<>> stretched_; // by parameters
};

} // namespace respawn::vault
