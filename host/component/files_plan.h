// What a live restore of files will do, as a list of steps that is durable before the first of them.
// Each step can be done again, so that a restore killed at any moment is finished from the list.
#pragma once

#include "component/notes.h"
#include "io/file.h"
#include "vault/object.h"

#include <vector>

namespace respawn::component {

// One root of the component where it lives now.
struct LiveRoot {
    io::Path parent;  // real
    std::string name; // below it
    io::Path staging; // new files wait here, named by number; on the root's own file system
    io::Path aside;   // what is replaced goes here, under its path below the root
    io::Path path() const { return parent / name; }
};

struct Step {
    enum class What : std::uint8_t {
        make_folder = 1,   // unless it is there; anything else of that name goes aside
        put = 2,           // the staged file gets the name; what had it goes aside
        finish_folder = 3, // mode, owner, attributes, time
    };
    What what = What::put;
    std::uint32_t root = 0;
    std::vector<std::string> names; // from the root's parent: the first is the root's own name
    std::uint64_t staged = 0;
    vault::TreeEntry metadata; // of a folder
};

struct Plan {
    std::vector<LiveRoot> roots;
    std::vector<Step> steps;
};

std::string encode_plan(const Plan& plan);
// Kind::corrupt for anything encode_plan() did not make, names that lead outside among it.
Result<Plan> decode_plan(std::string_view bytes);

// Does the steps. Before any name changes hands, everything that will be replaced is linked into
// `aside`, durably. Afterwards all is durable; the staging folders are empty.
Result<void> carry_out(const Plan& plan, Notes& notes);

} // namespace respawn::component
