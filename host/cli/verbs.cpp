#include "cli/verb.h"

namespace respawn::cli {

// Adding a verb is one file and one line in each of these two lists, in the order of `respawn --help`.
extern const Verb status, init, config_check, backup, list, show_verb, restore, query, verify, check;
extern const Verb keys_list, keys_add, keys_remove, keys_rotate, keys_confirm_recovery;
extern const Verb ls, cat, find, diff, history, export_verb, import_verb;
extern const Verb replicate, locations, repair;
extern const Verb cleanup, prune, remove_verb, undelete;
extern const Verb run_verb, resume, answer, approve, undo, runs, runs_show, audit_verify, runbooks,
    explain, services;
extern const Verb new_runbook, lint_verb, test, decrypt, demo, docs;

const std::vector<const Verb*>& verbs() {
    // clang-format off
    static const std::vector<const Verb*> all = {
        &status, &init, &config_check, &backup, &list, &show_verb, &restore, &query, &verify, &check,
        &ls, &cat, &find, &diff, &history, &export_verb, &import_verb,
        &replicate, &locations, &repair,
        &cleanup, &prune, &remove_verb, &undelete,
        &keys_list, &keys_add, &keys_remove, &keys_rotate, &keys_confirm_recovery,
        &run_verb, &resume, &answer, &approve, &undo, &runs, &runs_show, &audit_verify, &runbooks, &explain,
        &services, &new_runbook, &lint_verb, &test, &decrypt, &demo, &docs,
    };
    // clang-format on
    return all;
}

} // namespace respawn::cli
