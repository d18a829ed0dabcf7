// The program: reads the command, runs its verb, says how it ended.
#include "base/text.h"
#include "cli/output.h"
#include "cli/verb.h"
#include "primitives/primitives.h"
#include "run/recorded.h"

#include <csignal>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace respawn;

Cancellation interrupted;

// The first Ctrl-C asks; a second one stops at once.
void on_interrupt(int) {
    if (interrupted.requested())
        ::_exit(130);
    interrupted.request();
}

void handle_signals() {
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    for (const int signal : { SIGINT, SIGTERM })
        ::sigaction(signal, &action, nullptr);
    std::signal(SIGHUP, SIG_IGN); // a lost terminal is harmless
    std::signal(SIGPIPE, SIG_IGN);
}

int report(const Error& error, bool json) {
    if (json)
        cli::say_json(Value::Map{ { "error", run::to_value(error) } });
    cli::tell(cli::error_text(error));
    return run::exit_code(error.kind);
}

int run_command(const cli::Command& command) {
    const bool json = command.typed.has("--json");
    const cli::Context context{
        .typed = command.typed, .primitives = primitives::all(), .cancel = interrupted, .json = json
    };
    const auto code = command.verb->run(context);
    if (!code.ok())
        return report(code.error(), json);
    if (code.value() == 0 && !cli::was_all_said()) {
        cli::tell("respawn: the answer could not be written; what was asked for is done");
        return 1;
    }
    return code.value();
}

// Secrets and players' data are in our memory: no core file, and no other process of this user looks
// into it.
void keep_memory_private() {
    const rlimit none{ 0, 0 };
    ::setrlimit(RLIMIT_CORE, &none);
    ::prctl(PR_SET_DUMPABLE, 0);
}

} // namespace

int main(int argc, char** argv) {
    keep_memory_private();
    ::umask(077); // what is made here is the game's data
    // Whole packs go back to the system at once, instead of staying in a heap that each thread has.
    ::mallopt(M_MMAP_THRESHOLD, 4 << 20);
    handle_signals();
    if (const auto sound = run::must_be_sound(primitives::all()); !sound.ok())
        return report(sound.error(), false);
    const auto command = cli::read_command(std::vector<std::string>(argv + 1, argv + argc));
    if (!command.ok())
        return report(command.error(), false);
    if (command.value().help) {
        cli::say(command.value().verb ? cli::help_of(*command.value().verb) : cli::help_of_all());
        return 0;
    }
    return run_command(command.value());
}
