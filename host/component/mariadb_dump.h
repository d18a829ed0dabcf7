// A MariaDB or MySQL backup as SQL text that the database's own client loads, straight from the vault.
#pragma once

#include "component/component.h"
#include "component/packed_source.h"
#include "io/stream.h"

#include <optional>

namespace respawn::component {

// The text, made while it is read; nothing is held but a block of rows. The vault must outlive it.
Result<std::unique_ptr<io::Source>> open_dump(vault::Vault& from, const vault::ComponentRecord& record);

// By the name's end: .sql, .sql.gz, .sql.zst. Nothing for another.
std::optional<Packing> dump_form(const io::Path& file);

// Into a file that is not there yet, packed as its name says, or DATABASE.sql in an empty or missing
// folder. It is plain text for whoever can read it. Returns what was
// written: {file, tables: {NAME: {rows, sum}}}.
Result<Value> write_dump_file(vault::Vault& from, const vault::ComponentRecord& record,
                              const io::Path& place, const Work& work);

} // namespace respawn::component
