// Every parser of a vault's plain bytes: trees, lists, snapshots, directories, slots.
#include "crypto/recovery_key.h"
#include "vault/codec.h"
#include "vault/keys.h"
#include "vault/pack.h"

#include <cstdlib>

using namespace respawn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const crypto::Key key;
    if (size == 0)
        return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    switch (data[0] % 6) {
    case 0:
        (void)vault::decode_tree_blob(bytes);
        break;
    case 1:
        (void)vault::decode_list(bytes);
        break;
    case 2:
        (void)vault::decode_snapshot(bytes);
        break;
    case 3:
        (void)vault::decode_entries(bytes, 1 << 20);
        break;
    case 4:
        (void)crypto::key_from_digits(bytes);
        break;
    default:
        (void)vault::open_slots(bytes, 1, key);
        break;
    }
    return 0;
}
