#include "component/mariadb.h"

#include "base/text.h"
#include "component/mariadb_backup.h"
#include "component/mariadb_dump.h"
#include "component/mariadb_switch.h"
#include "component/restore_record.h"

#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;
using vault::ComponentRecord;

namespace {

class MariadbComponent final : public Component {
  public:
    explicit MariadbComponent(config::ComponentSettings settings) : settings_(std::move(settings)) {}

    const config::ComponentSettings& settings() const override { return settings_; }
    std::string place() const override {
        const auto login = database::mariadb_login(settings_);
        return login.ok() ? login.value().text() : "a server";
    }
    Result<ComponentRecord> back_up(vault::Writer& into, const Work& work) override {
        return back_up_mariadb(settings_, into, work);
    }
    Result<RestoreReport> restore_to(vault::Vault& from, const ComponentRecord& record,
                                     const io::Path& place, const Work& work) override;
    Result<RestorePreview> preview_restore(vault::Vault& from, const ComponentRecord& record) override;
    Result<RestoreReport> restore_live(vault::Vault& from, const ComponentRecord& record,
                                       const Work& work) override;
    Result<std::string> finish_restore(const Work& work) override;
    Result<bool> matches(vault::Vault& from, const ComponentRecord& record, const Work& work) override;
    Result<std::vector<std::string>> find_faults(const Work& work) override;

  private:
    // Without a database in use, so that one can be missing.
    Result<std::unique_ptr<MariadbTables>> server(const Cancellation& cancel) const;
    Result<std::unique_ptr<MariadbTables>> live(const Cancellation& cancel) const;
    // Of the configured logins: runs have them open.
    std::vector<std::string> own_users() const;
    Result<void> load_and_switch(vault::Vault& from, const MariadbTree& tree, const Work& work,
                                 const DatabaseSwitch& plan, RestoreReport& report, Notes& notes);

    config::ComponentSettings settings_;
};

// Switched in, it would leave the game without its other tables.
Result<void> must_be_whole(const ComponentRecord& record) {
    if (record.holds(""))
        return {};
    return Error{ .kind = Kind::usage,
                  .why = fmt::format("this snapshot holds some tables of {} only", record.name),
                  .fix =
                      "bring rows back with `respawn restore --table`, or name a snapshot of all of it "
                      "(respawn list)" };
}

Result<std::unique_ptr<MariadbTables>> MariadbComponent::server(const Cancellation& cancel) const {
    auto login = TRY(database::mariadb_login(settings_));
    login.database.clear();
    return MariadbTables::open(login, cancel);
}

Result<std::unique_ptr<MariadbTables>> MariadbComponent::live(const Cancellation& cancel) const {
    return MariadbTables::open(TRY(database::mariadb_login(settings_)), cancel);
}

std::vector<std::string> MariadbComponent::own_users() const {
    std::vector<std::string> users;
    for (const auto& login : database::mariadb_logins(settings_))
        users.push_back(login.user);
    return users;
}

Result<RestoreReport> MariadbComponent::restore_to(vault::Vault& from, const ComponentRecord& record,
                                                   const io::Path& place, const Work& work) {
    const auto begun = now();
    RestoreReport report{ .size_bytes = record.size_bytes, .files = 1 };
    report.checked = TRY(write_dump_file(from, record, place, work));
    report.duration = (now() - begun).count();
    return report;
}

Result<RestorePreview> MariadbComponent::preview_restore(vault::Vault& from,
                                                         const ComponentRecord& record) {
    TRY(must_be_whole(record));
    const auto tree = TRY(MariadbTree::open(from, record));
    const auto login = TRY(database::mariadb_login(settings_));
    const Cancellation cancel;
    const auto server = TRY(this->server(cancel));
    const bool there = TRY(has_database(*server, login.database));
    RestorePreview preview{ .bytes_needed = record.size_bytes };
    preview.lines.push_back(
        fmt::format("{} the database {} at {} {} the backup of {} ({}, {})",
                    there ? "replace" : "create", printable(login.database), login.text(),
                    there ? "with" : "from", to_rfc3339({ record.started }, true),
                    counted(tree.tables().size(), "table"), human_size(record.size_bytes)));
    if (there)
        preview.lines.push_back("keep what is there in a database of its own beside it");
    if (const auto unused = must_be_unused(*server, login.database, own_users()); !unused.ok())
        preview.lines.push_back(
            fmt::format("be refused: {}; stop what uses it first", unused.error().why));
    return preview;
}

Result<void> MariadbComponent::load_and_switch(vault::Vault& from, const MariadbTree& tree,
                                               const Work& work, const DatabaseSwitch& plan,
                                               RestoreReport& report, Notes& notes) {
    const auto login = TRY(database::mariadb_login(settings_));
    const auto server = TRY(this->server(work.cancel));
    TRY(must_be_unused(*server, plan.live, own_users()));
    if (tree.tables().empty())
        return Error{ .kind = Kind::missing, .why = "the backup holds no tables" };
    TRY(save_record(work.state, plan.value("loading")));
    auto loaded = load_tables({ from, tree, login, plan.incoming, work }, notes);
    const auto unused = must_be_unused(*server, plan.live, own_users()); // still
    if (loaded.ok() && !unused.ok())
        loaded = unused.error();
    if (!loaded.ok()) {
        const Cancellation never;
        TRY(drop_database(*TRY(this->server(never)), plan.incoming));
        TRY(clear_record(work.state));
        return std::move(loaded).error();
    }
    report.checked = std::move(loaded).value();
    return begin_switch(work.state, plan, tree.schema());
}

Result<RestoreReport> MariadbComponent::restore_live(vault::Vault& from, const ComponentRecord& record,
                                                     const Work& work) {
    TRY(finish_restore(work));
    TRY(must_be_whole(record));
    const auto begun = now();
    const auto tree = TRY(MariadbTree::open(from, record));
    const auto login = TRY(database::mariadb_login(settings_));
    const auto plan = TRY(DatabaseSwitch::named(*TRY(server(work.cancel)), login.database, begun));
    RestoreReport report{ .size_bytes = record.size_bytes, .files = record.files };
    Notes notes;
    {
        const auto lock = TRY(hold_state(work.state));
        TRY(load_and_switch(from, tree, work, plan, report, notes)
                .while_doing("restore the database", settings_.name));
        const Cancellation never; // from here on to the end, or the next command does it
        TRY(complete_switch(*TRY(server(never)), plan, own_users(), work.state, notes)
                .while_doing("switch the restored database in", settings_.name));
    }
    report.notes = notes.lines();
    report.kept_aside.emplace_back(plan.aside);
    report.duration = (now() - begun).count();
    return report;
}

Result<std::string> MariadbComponent::finish_restore(const Work& work) {
    const auto record = TRY(load_record(work.state));
    if (!record)
        return std::string();
    const auto lock = TRY(hold_state(work.state));
    const auto plan = TRY(DatabaseSwitch::from(*record));
    const auto server = TRY(this->server(work.cancel));
    if (record->text_at("step") == "loading") {
        TRY(drop_database(*server, plan.incoming));
        TRY(clear_record(work.state));
        return fmt::format(
            "an interrupted restore of {} had changed nothing yet; what it had loaded was "
            "removed",
            printable(plan.live));
    }
    Notes notes;
    TRY(complete_switch(*server, plan, own_users(), work.state, notes)
            .while_doing("finish an interrupted restore", settings_.name));
    return fmt::format(
        "an interrupted restore of {} was completed; what was there is in the database {}{}",
        printable(plan.live), printable(plan.aside),
        notes.empty() ? "" : "; " + join(notes.lines(), "; "));
}

Result<bool> MariadbComponent::matches(vault::Vault& from, const ComponentRecord& record,
                                       const Work& work) {
    const auto tree = TRY(MariadbTree::open(from, record));
    const auto server = TRY(live(work.cancel));
    const auto tables = TRY(read_tables(*server));
    if (tables.size() != tree.tables().size())
        return false;
    const RowHasher hasher(from);
    for (const auto& table : tables) {
        const auto stored = tree.table(table.name);
        if (!stored.ok() || stored.value().definition.form() != table.form() ||
            !(TRY(sum_of_table(*server, table, hasher)) == stored.value().rows.sum()))
            return false;
    }
    return true;
}

Result<std::vector<std::string>> MariadbComponent::find_faults(const Work& work) {
    std::vector<std::string> faults;
    const auto server = TRY(live(work.cancel));
    for (const auto& table : TRY(read_tables(*server)))
        for (const auto& row :
             TRY(server->rows("check table " + MariadbTables::quoted(table.name) + " medium")))
            if (row.size() == 4 && row[2] != "status" && row[2] != "note" && row[2] != "info")
                faults.push_back(
                    fmt::format("{}: {}", printable(table.name), printable(row[3].value_or(""))));
    return faults;
}

} // namespace

std::unique_ptr<Component> open_mariadb(const config::ComponentSettings& settings) {
    return std::make_unique<MariadbComponent>(settings);
}

} // namespace respawn::component
