#include "database/postgres_rules.h"

namespace respawn::database {

namespace {

constexpr std::string_view first_words[] = { "select", "with", "values", "explain", "show", "table" };
constexpr std::string_view forbidden_words[] = { "into", "for update", "for no key update", "for share",
                                                 "for key share" };
// Those that a read-only transaction lets pass, and those that read the server's files.
constexpr std::string_view forbidden_functions[] = {
    "nextval",
    "setval",
    "set_config",
    "pg_notify",
    "dblink*",
    "pg_advisory_*",
    "pg_try_advisory_*",
    "pg_sleep*",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile*",
    "pg_read_*",
    "pg_ls_*",
    "pg_stat_file",
    "pg_file_*",
    "pg_logdir_ls",
    "lo_*",
    "lowrite",
    "loread",
    "pg_stat_reset*",
    "pg_switch_*",
    "pg_create_*",
    "pg_drop_*",
    "pg_copy_*",
    "pg_logical_*",
    "pg_replication_*",
    "pg_promote",
    "pg_wal_replay_*",
    "pg_backup_*",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_export_snapshot",
    "pg_import_*",
    "query_to_xml*",
    "cursor_to_xml*",
    "database_to_xml*",
    "schema_to_xml*",
    "table_to_xml*",
    "pg_log_*",
    "pg_prewarm",
    "pg_extension_config_dump",
    "pg_surgery*",
    "pg_truncate_*",
    "heap_force_*",
    "gin_clean_pending_list",
    "brin_*",
};

constexpr ReadingRules rules = { .dollar_quotes = true,
                                 .first_words = first_words,
                                 .forbidden_words = forbidden_words,
                                 .forbidden_functions = forbidden_functions };

} // namespace

const ReadingRules& postgres_reading_rules() { return rules; }

} // namespace respawn::database
