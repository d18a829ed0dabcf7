#include "config/secret.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/stat.h>

#include "base/text.h"

namespace respawn::config {

namespace {

constexpr std::size_t most_secret_bytes = 64 * 1024;

Error wrong(std::string why, std::string fix = {}) {
    return { .kind = Kind::usage, .why = std::move(why), .fix = std::move(fix) };
}

bool is_variable_name(std::string_view name) {
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_';
           });
}

Result<Secret> from_environment(std::string_view name) {
    if (!is_variable_name(name))
        return wrong("${env:…} names no environment variable");
    const char* text = std::getenv(std::string(name).c_str());
    if (text == nullptr || *text == '\0')
        return wrong(fmt::format("the environment variable {} is not set", name),
                     fmt::format("set {} for respawn, or refer to a file with ${{file:PATH}}", name));
    return Secret(fmt::format("env:{}", name), text);
}

Result<Secret> from_file(std::string_view name, const io::Path& folder, std::string& warning) {
    const io::Path path = folder / io::Path(name);
    struct stat status {};
    if (name.empty() || ::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
        return wrong(fmt::format("the secret's file {} is not there", printable(path.string())),
                     "write the secret into that file, mode 600");
    auto read = io::read_file(path, most_secret_bytes);
    if (!read.ok())
        return wrong(read.error().why);
    if ((status.st_mode & S_IRWXO) != 0)
        warning =
            fmt::format("others may read the secret in {}; chmod o= it", printable(path.string()));
    const auto text = trimmed(read.value());
    if (text.empty())
        return wrong(fmt::format("the secret's file {} is empty", printable(path.string())));
    return Secret(fmt::format("file:{}", name), std::string(text));
}

} // namespace

bool looks_like_reference(std::string_view text) { return text.find("${") != std::string_view::npos; }

Result<Secret> look_up(std::string_view reference, const io::Path& folder, std::string& warning) {
    const bool whole = reference.starts_with("${") && reference.ends_with("}") &&
                       std::count(reference.begin(), reference.end(), '}') == 1;
    if (!whole)
        return wrong(
            "a secret stands here in plain text",
            "write ${env:NAME} or ${file:PATH} there, and the secret in that variable or file");
    const auto inside = reference.substr(2, reference.size() - 3);
    if (inside.starts_with("env:"))
        return from_environment(inside.substr(4));
    if (inside.starts_with("file:"))
        return from_file(inside.substr(5), folder, warning);
    return wrong("a reference is ${env:NAME} or ${file:PATH}");
}

} // namespace respawn::config
