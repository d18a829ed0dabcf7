// A library for LD_PRELOAD that lets a program die, or its disk be full, at any call that changes a
// file or says something to a server. See README.md beside it. It counts in the first process that
// loads it alone.
#undef _FILE_OFFSET_BITS // both names of pwrite are defined here

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

enum class Fault { none, kill, torn, full };

struct Layer {
    std::atomic<long> calls{ 0 };
    long at = -1; // the call, from 1, that fails
    Fault kind = Fault::none;
    pid_t owner = 0;
    char count_file[4096] = {};
};
Layer layer;

const char* setting(const char* name) {
    const auto* text = std::getenv(name);
    return text ? text : "";
}

Fault kind_named(const char* name) {
    if (std::strcmp(name, "full") == 0)
        return Fault::full;
    return std::strcmp(name, "torn") == 0 ? Fault::torn : Fault::kill;
}

// Children, also those that exec, see the owner's number and leave everything alone.
__attribute__((constructor)) void begin() {
    if (*setting("FAULT_OWNER") == '\0')
        setenv("FAULT_OWNER", std::to_string(getpid()).c_str(), 1);
    layer.owner = static_cast<pid_t>(std::atol(setting("FAULT_OWNER")));
    if (*setting("FAULT_AT") != '\0') {
        layer.at = std::atol(setting("FAULT_AT"));
        layer.kind = kind_named(setting("FAULT_KIND"));
    }
    std::strncpy(layer.count_file, setting("FAULT_COUNT_FILE"), sizeof layer.count_file - 1);
}

template <class Call> Call real(const char* name) {
    return reinterpret_cast<Call>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void die() {
    for (;;)
        kill(getpid(), SIGKILL);
}

// Counts a call; says what is to become of it.
Fault next_call() {
    if (getpid() != layer.owner)
        return Fault::none;
    const auto number = ++layer.calls;
    if (layer.at < 0 || number < layer.at)
        return Fault::none;
    if (layer.kind == Fault::kill)
        die();
    return layer.kind;
}

bool is_file(int descriptor) {
    struct stat status {};
    return fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
}

int no_space() {
    errno = ENOSPC;
    return -1;
}

// Calls that move no bytes: for them torn is killed.
template <class Do> int changing(Do act) {
    const auto fault = next_call();
    if (fault == Fault::torn)
        die();
    return fault == Fault::full ? no_space() : act();
}

// `act` writes a number of bytes.
template <class Do> ssize_t writing(int descriptor, size_t size, Do act) {
    const auto fault = is_file(descriptor) ? next_call() : Fault::none;
    if (fault == Fault::none)
        return act(size);
    if (fault == Fault::full)
        return no_space();
    act(size / 2);
    die();
}

__attribute__((destructor)) void end() {
    if (layer.count_file[0] == '\0' || getpid() != layer.owner)
        return;
    const auto file = open(layer.count_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char text[32];
    const auto size = std::snprintf(text, sizeof text, "%ld\n", layer.calls.load());
    if (file < 0 || real<ssize_t (*)(int, const void*, size_t)>("write")(
                        file, text, static_cast<size_t>(size)) != size)
        std::abort();
}

} // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
    static const auto call = real<ssize_t (*)(int, const void*, size_t)>("write");
    return writing(descriptor, size, [&](size_t part) { return call(descriptor, bytes, part); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
    static const auto call = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
    return writing(descriptor, size,
                   [&](size_t part) { return call(descriptor, bytes, part, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
    static const auto call = real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
    return writing(descriptor, size,
                   [&](size_t part) { return call(descriptor, bytes, part, offset); });
}

// What is said to a server may change what it keeps.
ssize_t send(int socket, const void* bytes, size_t size, int flags) {
    static const auto call = real<ssize_t (*)(int, const void*, size_t, int)>("send");
    const auto fault = next_call();
    if (fault == Fault::none)
        return call(socket, bytes, size, flags);
    if (fault == Fault::full)
        return no_space();
    call(socket, bytes, size / 2, flags);
    die();
}

int fsync(int descriptor) {
    static const auto call = real<int (*)(int)>("fsync");
    return changing([&] { return call(descriptor); });
}

int fdatasync(int descriptor) {
    static const auto call = real<int (*)(int)>("fdatasync");
    return changing([&] { return call(descriptor); });
}

int rename(const char* from, const char* to) noexcept {
    static const auto call = real<int (*)(const char*, const char*)>("rename");
    return changing([&] { return call(from, to); });
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
    static const auto call = real<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
    return changing([&] { return call(from_folder, from, to_folder, to, flags); });
}

int link(const char* from, const char* to) noexcept {
    static const auto call = real<int (*)(const char*, const char*)>("link");
    return changing([&] { return call(from, to); });
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    static const auto call = real<int (*)(int, const char*, int, const char*, int)>("linkat");
    return changing([&] { return call(from_folder, from, to_folder, to, flags); });
}

int mkdir(const char* path, mode_t mode) noexcept {
    static const auto call = real<int (*)(const char*, mode_t)>("mkdir");
    return changing([&] { return call(path, mode); });
}

// Removing works on a full disk.
int unlink(const char* path) noexcept {
    static const auto call = real<int (*)(const char*)>("unlink");
    if (next_call() == Fault::torn)
        die();
    return call(path);
}

int unlinkat(int folder, const char* path, int flags) noexcept {
    static const auto call = real<int (*)(int, const char*, int)>("unlinkat");
    if (next_call() == Fault::torn)
        die();
    return call(folder, path, flags);
}
}
