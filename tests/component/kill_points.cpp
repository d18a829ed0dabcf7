#include "kill_points.h"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The program's own definitions stand before the C library's.
namespace {
std::atomic<int> left = 0; // 0: nothing is counted
void count() {
    if (left > 0 && --left == 0)
        ::kill(::getpid(), SIGKILL);
}
} // namespace

extern "C" {
int rename(const char* from, const char* to) noexcept {
    count();
    return static_cast<int>(syscall(SYS_rename, from, to));
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
    count();
    return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
    count();
    return static_cast<int>(syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int link(const char* from, const char* to) noexcept {
    count();
    return static_cast<int>(syscall(SYS_link, from, to));
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    count();
    return static_cast<int>(syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int unlink(const char* path) noexcept {
    count();
    return static_cast<int>(syscall(SYS_unlink, path));
}
int unlinkat(int folder, const char* path, int flags) noexcept {
    count();
    return static_cast<int>(syscall(SYS_unlinkat, folder, path, flags));
}
int mkdir(const char* path, mode_t mode) noexcept {
    count();
    return static_cast<int>(syscall(SYS_mkdir, path, mode));
}
int mkdirat(int folder, const char* path, mode_t mode) noexcept {
    count();
    return static_cast<int>(syscall(SYS_mkdirat, folder, path, mode));
}
int fsync(int descriptor) {
    count();
    return static_cast<int>(syscall(SYS_fsync, descriptor));
}
int syncfs(int descriptor) noexcept {
    count();
    return static_cast<int>(syscall(SYS_syncfs, descriptor));
}
}

bool killed_at(int at, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        left = at;
        work();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}
