// The pages of a database: looked at one by one, then judged.
#include "component/page_survey.h"

#include <cstdlib>

using namespace respawn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    if (size < 512 + 3)
        return 0;
    const auto page_size = 512U << data[0] % 3;
    const std::string bytes(reinterpret_cast<const char*>(data + 3), size - 3);
    const auto pages = static_cast<std::uint32_t>(bytes.size() / page_size);
    const auto page = [&](std::uint32_t number) -> Result<std::string> {
        return number < 1 || number > pages ? std::string()
                                            : bytes.substr((number - 1) * page_size, page_size);
    };
    auto survey = component::PageSurvey::begin(page_size, pages, page, ".");
    if (!survey.ok())
        return 0;
    survey.value().look(1, bytes);
    std::vector<component::PageTree> trees{ { .name = "the schema", .root = 1 },
                                            { .name = "one", .root = data[1] },
                                            { .name = "other", .root = data[2] } };
    (void)survey.value().judge(trees);
    for (std::uint32_t number = 0; number <= pages + 1; ++number)
        (void)survey.value().tree_of(number);
    return 0;
}
