#include "primitives/primitives.h"

namespace respawn::primitives {

using run::Primitive;

// Adding a primitive is one file and one line in each of these two lists.
extern const Primitive require, check, fail, ask, wait_for_person, clock;
extern const Primitive sql, write;
extern const Primitive backup, snapshot, faults, restore;
extern const Primitive compare_rows, restore_rows, compare_tables, restore_tables, changes_of_run,
    undo_rows;
extern const Primitive dump, compress, encrypt, upload;
extern const Primitive chain_address, chain_transaction, chain_nonce, chain_transfers;
extern const Primitive service_primitive, service_status;
extern const Primitive notify;

const run::Primitives& all() {
    static const run::Primitives list = {
        &require,
        &check,
        &fail,
        &ask,
        &wait_for_person,
        &clock,
        &sql,
        &write,
        &backup,
        &snapshot,
        &faults,
        &restore,
        &compare_rows,
        &restore_rows,
        &compare_tables,
        &restore_tables,
        &changes_of_run,
        &undo_rows,
        &dump,
        &compress,
        &encrypt,
        &upload,
        &chain_address,
        &chain_transaction,
        &chain_nonce,
        &chain_transfers,
        &service_primitive,
        &service_status,
        &notify,
    };
    return list;
}

} // namespace respawn::primitives
