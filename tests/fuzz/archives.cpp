// Foreign archives, as import takes them: refused or taken, and never more than is allowed.
#include "component/archive_import.h"
#include "location/locations.h"

using namespace respawn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    static const auto folder = io::TemporaryFolder::make().value();
    static const auto location = location::open_location("memory:archives").value();
    static const vault::Unlock unlock{ crypto::Key{} };
    static auto vault = vault::Vault::create(location, unlock, folder.path()).value();
    const auto file = folder.path() / "archive";
    if (!io::replace_durably(file, { reinterpret_cast<const char*>(data), size }).ok())
        return 0;
    auto writer = vault->begin_backup();
    if (!writer.ok())
        return 0;
    const Cancellation cancel;
    const component::ImportRequest request{
        .file = file,
        .component = "files",
        .live_paths = {},
        .limits = { .bytes = 16 << 20, .entries = 1000 },
    };
    (void)component::import_archive(writer.value(), request, { .cancel = cancel });
    return 0;
}
