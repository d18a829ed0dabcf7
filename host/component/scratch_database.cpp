#include "component/scratch_database.h"

#include "base/time.h"
#include "component/mariadb_switch.h"

#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

Result<std::unique_ptr<ScratchDatabase>> ScratchDatabase::open(const database::Login& login,
                                                               const std::string& id) {
    std::unique_ptr<ScratchDatabase> made(new ScratchDatabase(login));
    made->keeper_ = TRY(MariadbTables::open(login, made->never_));
    TRY(made->keeper_->run("set session lock_wait_timeout = 20"));
    made->prefix_ = fmt::format("{}{}_", scratch_prefix, id);
    return made;
}

ScratchDatabase::~ScratchDatabase() {
    if (!name_.empty())
        (void)drop(); // else the next one does
}

database::Login ScratchDatabase::login() const {
    auto login = keeper_->login();
    login.database = name_;
    return login;
}

Result<void> ScratchDatabase::drop_left(Notes& notes) {
    for (const auto& row : TRY(keeper_->rows(fmt::format(
             "select schema_name from information_schema.schemata where left(schema_name, {}) = {}",
             prefix_.size(), MariadbTables::literal(prefix_))))) {
        const auto left = row[0].value_or("");
        if (!TRY(hold(left)))
            continue;
        if (const auto dropped = drop_database(*keeper_, left); !dropped.ok())
            notes.add(fmt::format("{}, left by a killed respawn, is still there: {}", left,
                                  dropped.error().why));
        TRY(keeper_->run(fmt::format("do release_lock({})", MariadbTables::literal(left))));
    }
    return {};
}

Result<void> ScratchDatabase::take_name() {
    const auto name = fmt::format("{}{}", prefix_, now().microseconds);
    if (TRY(has_database(*keeper_, name)) || !TRY(hold(name)))
        return Error{ .kind = Kind::leased,
                      .why = fmt::format("another respawn uses {}", name),
                      .fix = "run it again" };
    name_ = name;
    return {};
}

Result<bool> ScratchDatabase::hold(const std::string& name) {
    return TRY(keeper_->value(fmt::format("select get_lock({}, 0)", MariadbTables::literal(name)))) ==
           "1";
}

Result<void> ScratchDatabase::drop() {
    if (!keeper_->is_open())
        keeper_ = TRY(MariadbTables::open(login_, never_));
    return drop_database(*keeper_, name_);
}

} // namespace respawn::component
