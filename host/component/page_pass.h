// One pass over all pages of a database: read in order, looked at on all cores, handed on in order.
// Memory stays flat: a few blocks are on their way.
#pragma once

#include "component/page_survey.h"
#include "vault/page_digests.h"

namespace respawn::component {

struct PagePass {
    std::uint32_t page_size = 0, pages = 0;
    // Pages [first, first + count), the first one being 1. On the caller's thread alone.
    std::function<Result<std::string>(std::uint32_t first, std::uint32_t count)> read;
    vault::PageHasher hasher;
    PageSurvey* survey = nullptr; // looks at every page, where there is one
    // Each block (vault::image_block) and its pages' digests, in order, on the caller's thread.
    std::function<Result<void>(std::string_view block, std::string_view digests)> take = {};
};

// What the image is, as 64 hex digits: SHA-256 over the digests of all pages in order; of page 1
// without the fields of its header that a copy of the same data may have otherwise (write version,
// change counter, version number).
Result<std::string> pass_over(const PagePass& pass);

} // namespace respawn::component
