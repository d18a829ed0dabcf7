// Lua texts as people and attackers write them: read, resolved, and looked at by every rule.
#include "lint/lint.h"
#include "primitives/primitives.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace respawn;
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (lint::read_tree(text).root.levels > lint::most_levels)
        std::abort();
    for (const auto* name : { "fuzzed", "fuzzed_test" }) {
        const run::Source source{
            .name = name, .main = name, .modules = { { name, text } }, .folder = "/nonexistent"
        };
        for (const auto& finding : lint::lint(source, {}, primitives::all()))
            if (finding.line < 1 || finding.text.empty() || finding.cure.empty())
                std::abort();
    }
    return 0;
}
