// Values as a worker, a journal or a vault's document hold them: what is accepted has exactly one
// encoding.
#include "base/value.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto value = respawn::decode(bytes, 10'000); value.ok()) {
        if (respawn::encode(value.value()) != bytes)
            std::abort();
        (void)respawn::to_text(value.value());
        (void)respawn::to_json(value.value());
    }
    (void)respawn::from_json(bytes);
    return 0;
}
