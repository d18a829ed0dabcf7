#include "worker/cage.h"

#include "base/value.h"
#include "worker/host.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <new>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
// A sanitizer that finds something in the cage can't write what; the call it tries ends the process,
// and the test that started it fails.
extern "C" const char* __asan_default_options() { // NOLINT(bugprone-reserved-identifier)
    return "detect_leaks=0:handle_segv=0:symbolize=0";
}
#endif

namespace respawn::worker {

namespace {

Error cannot(std::string_view what, int number) {
    return { .kind = Kind::io,
             .why = fmt::format("the worker could not {}: {}", what, std::strerror(number)),
             .fix = "run respawn where seccomp filters may be set" };
}

// A message is made of what may hold 8 MiB in some copies; the rest is code and stacks.
constexpr std::size_t beside_script = std::size_t{ 384 } << 20;

Result<void> set_limit(__rlimit_resource which, rlim_t most) {
    const rlimit limit{ most, most };
    if (setrlimit(which, &limit) != 0)
        return cannot("limit itself", errno);
    return {};
}

Result<void> set_limits([[maybe_unused]] std::size_t memory_bytes, std::int64_t processor_seconds) {
    if (processor_seconds > 0)
        TRY(set_limit(RLIMIT_CPU, static_cast<rlim_t>(processor_seconds)));
    TRY(set_limit(RLIMIT_CORE, 0));
    TRY(set_limit(RLIMIT_NOFILE, 0));
    TRY(set_limit(RLIMIT_NPROC, 0));
    TRY(set_limit(RLIMIT_FSIZE, 0));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they map terabytes
    TRY(set_limit(RLIMIT_AS, memory_bytes + beside_script));
#endif
    return {};
}

Result<void> give_up_rights() {
    close_range(host_descriptor + 1, ~0U, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return cannot("give up its rights", errno);
    return {};
}

// Encoded once, before: the handler may call nothing but write and _exit. The number of the call is
// patched in.
std::string refused_frame;
std::size_t refused_number_at = 0;

void make_refused_frame() {
    const auto body = encode(Value::Map{ { "call", std::int64_t{ 0 } }, { "kind", "refused" } });
    refused_frame = std::string(4, '\0') + body;
    refused_frame[0] = static_cast<char>(body.size());
    // tag and count of the map, then the text "call" and the tag of its number
    refused_number_at = 4 + 1 + 4 + 4 + std::strlen("call") + 1;
}

void on_refused_call(int, siginfo_t* info, void*) {
    const auto number = static_cast<unsigned>(info->si_syscall);
    for (std::size_t i = 0; i < 4; ++i)
        refused_frame[refused_number_at + i] = static_cast<char>(number >> (8 * i));
    const auto written = ::write(host_descriptor, refused_frame.data(), refused_frame.size());
    _exit(written < 0 ? 1 : 0);
}

Result<void> catch_refused_calls() {
    make_refused_frame();
    struct sigaction action {};
    action.sa_sigaction = on_refused_call;
    action.sa_flags = SA_SIGINFO;
    if (sigaction(SIGSYS, &action, nullptr) != 0)
        return cannot("watch over itself", errno);
    return {};
}

// The first exception of a process looks for unwind tables; later ones make no system call but memory.
void throw_once() {
    try {
        throw 0;
    } catch (int) {
    }
}

[[noreturn]] void out_of_memory() {
    std::set_new_handler(nullptr);
    end_with_failure("the script's values took more memory than there is for them");
}

using Filter = std::unique_ptr<void, decltype(&seccomp_release)>;

// 0, or a negative errno as libseccomp gives it.
int allow_what_is_needed(scmp_filter_ctx filter) {
    int wrong = 0;
    const auto allow = [&](int call, auto... conditions) {
        wrong = wrong ? wrong
                      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, sizeof...(conditions),
                                         conditions...);
    };
    allow(SCMP_SYS(read), SCMP_A0_32(SCMP_CMP_EQ, host_descriptor));
    allow(SCMP_SYS(write), SCMP_A0_32(SCMP_CMP_EQ, host_descriptor));
    for (const int call :
         { SCMP_SYS(exit_group), SCMP_SYS(exit), SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
           SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn) })
        allow(call);
    allow(SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
          SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    for (const int call : { SCMP_SYS(sched_yield), SCMP_SYS(gettid), SCMP_SYS(getpid),
                            SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack) })
        allow(call);
    allow(SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
#endif
    return wrong;
}

// What is not allowed is trapped and not killed outright, so that the host can be told which call it
// was. That is no way out: the handler ends the process, and nothing here can change or block it
// (a blocked SIGSYS of the filter kills).
Result<void> set_filter() {
    const Filter filter(seccomp_init(SCMP_ACT_TRAP), &seccomp_release);
    if (!filter)
        return cannot("make a filter", ENOMEM);
    seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    int wrong = allow_what_is_needed(filter.get());
    wrong = wrong ? wrong : seccomp_load(filter.get());
    if (wrong != 0)
        return cannot("set its filter", -wrong);
    return {};
}

} // namespace

Result<void> enter_cage(std::size_t memory_bytes, std::int64_t processor_seconds) {
    throw_once();
    std::set_new_handler(out_of_memory);
    TRY(catch_refused_calls());
    TRY(give_up_rights());
    TRY(set_limits(memory_bytes, processor_seconds));
    return set_filter();
}

} // namespace respawn::worker
