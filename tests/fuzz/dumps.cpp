// Foreign dumps of SQL, as import takes them: understood or refused, and nothing handed on that could
// do more than make tables and rows.
#include "component/dump_reader.h"

#include <cstdlib>

using namespace respawn;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    constexpr std::string_view heads[] = { "create table `",
                                           "create sequence `",
                                           "drop table if exists `",
                                           "insert ",
                                           "replace ",
                                           "drop sequence if exists `",
                                           "do setval(`",
                                           "alter database character set " };
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const bool is_mariadb : { true, false }) {
        io::TextSource source(text);
        component::DumpReader reader(source,
                                     { .without_end = true,
                                       .dialect = { is_mariadb, is_mariadb ? 101106U : 80036U },
                                       .longest = 1 << 16 },
                                     [&](const component::DumpStatement& statement) -> Result<void> {
                                         bool known = false;
                                         for (const auto head : heads)
                                             known = known || statement.sql.starts_with(head);
                                         if (!known)
                                             std::abort();
                                         return {};
                                     });
        (void)reader.read();
    }
    return 0;
}
