#include "database/mariadb_rules.h"

namespace respawn::database {

namespace {

constexpr std::string_view first_words[] = { "select",   "with", "values", "explain",
                                             "describe", "desc", "show" };
// SHOW GRANTS and SHOW CREATE USER have the hashes of passwords.
constexpr std::string_view forbidden_words[] = {
    "into",        "for update",  "for share",   "lock in share mode", "next value for",
    "show grants", "create user", "show binlog", "show relaylog",      "show master",
};
constexpr std::string_view forbidden_functions[] = {
    "nextval",
    "setval",
    "get_lock",
    "release_lock",
    "release_all_locks",
    "sleep",
    "benchmark",
    "load_file",
    "master_pos_wait",
    "master_gtid_wait",
    "source_pos_wait",
    "wait_for_executed_gtid_set",
    "wait_until_sql_thread_after_gtids",
    "last_insert_id",
    "sys_exec",
    "sys_eval",
    "sys_set",
    "lastval_set",
};

constexpr ReadingRules rules = { .backslash_escapes = true,
                                 .first_words = first_words,
                                 .forbidden_words = forbidden_words,
                                 .forbidden_functions = forbidden_functions };

} // namespace

const ReadingRules& mariadb_reading_rules() { return rules; }

} // namespace respawn::database
