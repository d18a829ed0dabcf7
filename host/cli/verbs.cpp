#include "cli/verb.h"

namespace respawn::cli {

// Adding a verb is one file and one line in each of these two lists, in the order of `respawn --help`.
extern const Verb status, init, config_check, backup, list, show, restore, check;
extern const Verb cleanup, prune, remove_verb, undelete;
extern const Verb run_verb, resume, runs, runs_show, runbooks, explain;
extern const Verb test, decrypt, demo, docs;

const std::vector<const Verb*>& verbs() {
    static const std::vector<const Verb*> all = {
        &status,   &init,    &config_check, &backup,   &list,     &show,   &restore, &check,
        &cleanup,  &prune,   &remove_verb,  &undelete, &run_verb, &resume, &runs,    &runs_show,
        &runbooks, &explain, &test,         &decrypt,  &demo,     &docs
    };
    return all;
}

} // namespace respawn::cli
