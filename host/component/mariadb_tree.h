// A MariaDB or MySQL backup in the vault: a file `database` with what is no table, and a folder for
// each table below `tables`, in which `definition` stands beside its rows (docs/vault-format.md).
#pragma once

#include "component/mariadb_schema.h"
#include "component/row_tree.h"
#include "vault/vault.h"

namespace respawn::component {

inline constexpr std::string_view schema_file = "database", tables_folder = "tables",
                                  definition_file = "definition";

// A table's name as that of a folder, and back.
std::string folder_name(std::string_view table);
std::string table_name(std::string_view folder);

vault::TreeEntry file_entry(std::string_view name, const vault::Content& content);
vault::TreeEntry folder_entry(std::string_view name, const vault::ChunkId& tree);
Result<vault::TreeEntry> store_value(vault::Writer& into, std::string_view name, const Value& value);

// One that is opened. The vault must outlive it.
struct StoredTable {
    ServerTable definition;
    RowTree rows;
};

class MariadbTree {
  public:
    // Kind::corrupt for what is no such backup.
    static Result<MariadbTree> open(vault::Vault& from, const vault::ComponentRecord& record);
    const ServerSchema& schema() const { return schema_; }
    std::vector<std::string> tables() const; // names, sorted by their folders'
    // Kind::missing for a table that is not there, with the nearest name.
    Result<StoredTable> table(std::string_view name) const;
    Result<ServerTable> definition(std::string_view name) const;

  private:
    Result<vault::Tree> folder(std::string_view name) const;
    explicit MariadbTree(vault::Vault& from) : from_(&from) {}
    vault::Vault* from_;
    ServerSchema schema_;
    vault::Tree tables_;
};

} // namespace respawn::component
