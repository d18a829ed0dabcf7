#include "component/in_use.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <set>
#include <sys/stat.h>

namespace respawn::component {

namespace {

using FileNumber = std::pair<dev_t, ino_t>;

std::set<FileNumber> numbers_of(const std::vector<io::Path>& files) {
    std::set<FileNumber> numbers;
    for (const auto& file : files) {
        struct stat status {};
        if (::stat(file.c_str(), &status) == 0)
            numbers.emplace(status.st_dev, status.st_ino);
    }
    return numbers;
}

int process_number(const std::string& name) {
    int number = 0;
    const auto [end, fault] = std::from_chars(name.data(), name.data() + name.size(), number);
    return fault == std::errc() && end == name.data() + name.size() ? number : 0;
}

int times_open(const io::Path& process, const std::set<FileNumber>& numbers) {
    int times = 0;
    std::error_code fault;
    std::filesystem::directory_iterator open(process / "fd", fault), none;
    for (; !fault && open != none; open.increment(fault)) {
        struct stat status {};
        if (::stat(open->path().c_str(), &status) == 0 &&
            numbers.contains({ status.st_dev, status.st_ino }))
            ++times;
    }
    return times;
}

} // namespace

std::vector<Holder> holders_of(const std::vector<io::Path>& files) {
    std::vector<Holder> holders;
    const auto numbers = numbers_of(files);
    std::error_code fault;
    std::filesystem::directory_iterator process("/proc", fault), none;
    for (; !numbers.empty() && !fault && process != none; process.increment(fault)) {
        const int number = process_number(process->path().filename().string());
        const int times = number > 0 ? times_open(process->path(), numbers) : 0;
        if (times == 0)
            continue;
        const auto command = io::read_file(process->path() / "comm", 4096);
        holders.push_back({ number, command.ok() ? printable(trimmed(command.value())) : "?", times });
    }
    return holders;
}

std::string describe_holders(const std::vector<Holder>& holders) {
    std::vector<std::string> texts;
    for (const auto& holder : holders)
        texts.push_back(fmt::format("{} ({})", holder.process, holder.command));
    return join(texts, ", ");
}

} // namespace respawn::component
