#include "component/mariadb_backup.h"

#include "base/bytes.h"
#include "base/text.h"
#include "component/mariadb_moment.h"
#include "component/mariadb_rows.h"
#include "component/mariadb_tree.h"
#include "component/notes.h"
#include "component/restore_record.h"
#include "component/row_sort.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <mutex>
#include <thread>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::string_view mariadb_cache = "respawn mariadb cache 1";
constexpr int most_attempts = 3; // while definitions change
constexpr unsigned definition_changed = 1412;
constexpr std::uint64_t rows_between_tellings = 4096;

std::size_t connections_for(std::size_t tables) {
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    return std::clamp<std::size_t>(tables, 1, std::clamp<std::size_t>(cores, 2, 4));
}

// The folder of each table in the last backup that took it.
using Folders = std::map<std::string, vault::ChunkId>;

// Empty where they are not known: then all is stored, and what the vault has is found in it.
Folders last_folders(const io::Path& state) {
    Folders folders;
    const auto bytes = io::read_file(state / "mariadb.cache", 64 << 20);
    const auto value = bytes.ok() ? decode(bytes.value()) : bytes.error();
    if (!value.ok() || value.value().text_at("format") != mariadb_cache)
        return folders;
    const auto* tables = value.value().at("tables").map();
    for (const auto& [name, folder] : tables ? *tables : Value::Map{})
        if (vault::ChunkId id; folder.blob() && folder.blob()->bytes.size() == id.bytes.size()) {
            std::ranges::copy(folder.blob()->bytes, id.bytes.begin());
            folders[name] = id;
        }
    return folders;
}

Result<void> remember_folders(const io::Path& state, const Folders& folders) {
    Value::Map tables;
    for (const auto& [name, id] : folders)
        tables[name] = Blob{ std::string(id.bytes.begin(), id.bytes.end()) };
    return io::replace_durably(
        state / "mariadb.cache",
        encode(Value::Map{ { "format", mariadb_cache }, { "tables", std::move(tables) } }));
}

// What became of one table.
struct Stored {
    vault::TreeEntry folder;
    Value facts;
    std::uint64_t bytes = 0;
};

class DatabaseBackup {
  public:
    // With words to tell it in: of a copy that nobody writes to.
    DatabaseBackup(const database::Login& login, vault::Writer& into, const Work& work,
                   const InTheWordsOf* tell = nullptr)
        : login_(login), into_(into), work_(work), tell_(tell), before_(last_folders(work.state)) {}

    Result<void> run();
    Result<vault::ChunkId> store_root();
    Value detail() const;
    std::uint64_t bytes() const;
    std::uint64_t rows() const { return rows_; }
    std::size_t tables() const { return tables_.size(); }
    const std::vector<std::string>& missing() const { return missing_; }
    bool definition_has_changed() const { return definition_has_changed_; }

  private:
    void leave_out_others();
    Result<void> add_gtid(Result<std::string> gtid);
    void work_on(MariadbTables& connection);
    Result<Stored> store_table(MariadbTables& connection, const ServerTable& table);
    Result<void> add_rows(MariadbTables& connection, const ServerTable& table, RowTreeWriter& writer);
    Result<void> add_sorted(MariadbTables& connection, const ServerTable& table, RowTreeWriter& writer,
                            const std::string& sql);
    void tell(std::uint64_t more);
    void add_notes();

    const database::Login& login_;
    vault::Writer& into_;
    const Work& work_;
    const InTheWordsOf* tell_;
    Folders before_;
    ServerMoment moment_;
    ServerSchema schema_;
    std::vector<ServerTable> tables_;
    std::vector<std::size_t> largest_first_;
    std::vector<std::optional<Stored>> stored_;
    std::vector<std::string> missing_; // that the plan names
    Notes notes_;
    std::uint64_t rows_ = 0, total_ = 0;

    std::mutex sharing_; // what follows, while the tables are read
    std::size_t next_ = 0;
    std::uint64_t done_ = 0;
    std::optional<Error> failed_;
    std::atomic<bool> stop_ = false, definition_has_changed_ = false;
};

// The definitions are read by a connection that has its snapshot already: a table that is altered
// behind it is refused by the server when its rows are read.
Result<void> DatabaseBackup::run() {
    const auto looking = TRY(MariadbTables::open(login_, work_.cancel));
    const auto count = TRY(looking->value("select count(*) from information_schema.tables where "
                                          "table_schema = database() and table_type <> 'VIEW'"));
    const auto connections = connections_for(std::stoul(count.value_or("1")));
    moment_ = TRY(tell_ ? open_still(login_, connections, work_.cancel)
                        : open_moment(login_, connections, work_.cancel));
    schema_ = TRY(read_schema(*moment_.connections[0]));
    tables_ = TRY(read_tables(*moment_.connections[0]));
    if (tell_)
        (*tell_)(schema_, tables_, notes_);
    leave_out_others();
    stored_.resize(tables_.size());
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        largest_first_.push_back(i);
        total_ += tables_[i].rough_bytes;
    }
    std::ranges::stable_sort(largest_first_, std::greater{},
                             [&](std::size_t i) { return tables_[i].rough_bytes; });
    Result<std::string> gtid = std::string();
    std::vector<std::jthread> workers;
    workers.emplace_back([&] { gtid = gtid_at(*looking, moment_.position); });
    for (auto& connection : moment_.connections)
        workers.emplace_back([this, &connection] { work_on(*connection); });
    workers.clear();
    if (failed_)
        return *failed_;
    TRY(add_gtid(std::move(gtid)));
    add_notes();
    return {};
}

Result<void> DatabaseBackup::add_gtid(Result<std::string> gtid) {
    if (auto* position = moment_.position.map())
        position->insert_or_assign("gtid", TRY(std::move(gtid)));
    return {};
}

// Of a backup of some tables: the others, and all that is no table.
void DatabaseBackup::leave_out_others() {
    if (work_.tables.empty())
        return;
    schema_.objects.clear();
    std::erase_if(tables_, [&](const ServerTable& table) {
        return std::ranges::find(work_.tables, table.name) == work_.tables.end();
    });
    for (const auto& name : work_.tables)
        if (std::ranges::find(tables_, name, &ServerTable::name) == tables_.end())
            missing_.push_back(name);
}

void DatabaseBackup::work_on(MariadbTables& connection) {
    for (;;) {
        std::size_t which = 0;
        {
            const std::scoped_lock lock(sharing_);
            if (failed_ || next_ == largest_first_.size())
                return;
            which = largest_first_[next_++];
        }
        auto stored = store_table(connection, tables_[which])
                          .while_doing("read the table", printable(tables_[which].name));
        const std::scoped_lock lock(sharing_);
        if (stored.ok()) {
            stored_[which] = std::move(stored).value();
            continue;
        }
        definition_has_changed_ =
            definition_has_changed_ || connection.last_code() == definition_changed;
        if (!stop_.exchange(true))
            failed_ = std::move(stored).error();
        return;
    }
}

void DatabaseBackup::tell(std::uint64_t more) {
    if (!work_.progress)
        return;
    const std::scoped_lock lock(sharing_);
    done_ += more;
    work_.progress(done_, std::max(done_, total_));
}

Result<void> DatabaseBackup::add_sorted(MariadbTables& connection, const ServerTable& table,
                                        RowTreeWriter& writer, const std::string& sql) {
    RowSort sort(work_.state / "sorting");
    RowShaper shaper(table);
    TRY(connection.scan(sql, [&](std::span<const Cell> cells) -> Result<void> {
        if (stop_)
            return Error{ .kind = Kind::cancelled, .why = "another table could not be read" };
        TRY(shaper.take(cells));
        return sort.add(shaper.key(), shaper.row());
    }));
    std::vector<Cell> cells;
    return sort.each([&](std::string_view, std::string_view row) -> Result<void> {
        TRY(cells_of(row, table.columns.size(), cells));
        TRY(shaper.take(cells));
        return writer.add(shaper.key(), shaper.row(), shaper.unique());
    });
}

Result<void> DatabaseBackup::add_rows(MariadbTables& connection, const ServerTable& table,
                                      RowTreeWriter& writer) {
    if (!table.keeps_rows())
        return {};
    const auto sql = fmt::format("select {} from {}{}", table.selected(),
                                 MariadbTables::quoted(table.name), table.order());
    if (!table.key.empty() && !table.sorted_by_key())
        return add_sorted(connection, table, writer, sql);
    RowShaper shaper(table);
    std::uint64_t rows = 0, told = 0;
    return connection.scan(sql, [&](std::span<const Cell> cells) -> Result<void> {
        TRY(shaper.take(cells));
        TRY(writer.add(shaper.key(), shaper.row(), shaper.unique()));
        if (++rows % rows_between_tellings != 0)
            return {};
        tell(writer.bytes() - std::exchange(told, writer.bytes()));
        return stop_ ? Result<void>(
                           Error{ .kind = Kind::cancelled, .why = "another table could not be read" })
                     : Result<void>();
    });
}

Result<Stored> DatabaseBackup::store_table(MariadbTables& connection, const ServerTable& table) {
    const auto last = before_.find(table.name);
    const auto earlier =
        last != before_.end() ? into_.vault().tree(last->second) : Result<vault::Tree>(vault::Tree());
    const auto name = folder_name(table.name);
    auto writer = TRY(RowTreeWriter::begin(
        into_, into_.vault(),
        { .keyed = !table.key.empty(),
          .schema = table.form(),
          .unique_keys = table.unique.size(),
          .before = earlier.ok() && !earlier.value().empty() ? &earlier.value() : nullptr,
          .state = work_.state / "rows" / to_hex(crypto::sha256(name)).substr(0, 32) }));
    TRY(add_rows(connection, table, writer));
    auto entries = TRY(writer.finish());
    entries.push_back(TRY(store_value(into_, definition_file, table.value())));
    std::ranges::sort(entries, {}, &vault::TreeEntry::name);
    Stored stored{ .folder = folder_entry(name, TRY(into_.store_tree(entries))),
                   .bytes = writer.bytes() };
    auto facts = *writer.sum().value().map();
    facts["engine"] = table.engine;
    facts["bytes"] = static_cast<std::int64_t>(writer.bytes());
    facts["changed"] = static_cast<std::int64_t>(writer.changed());
    stored.facts = std::move(facts);
    return stored;
}

void DatabaseBackup::add_notes() {
    for (auto& note : moment_.notes)
        notes_.add(note);
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        rows_ += static_cast<std::uint64_t>(stored_[i]->facts.integer_at("rows"));
        if (!tables_[i].keeps_rows())
            notes_.add(
                fmt::format("table {} ({}) has its rows elsewhere: its definition alone is in the "
                            "backup",
                            printable(tables_[i].name), printable(tables_[i].engine)));
        else if (!tables_[i].transactional && !tell_)
            notes_.add(fmt::format("table {} ({}) has no transactions: it is not of the same moment as "
                                   "the others",
                                   printable(tables_[i].name), printable(tables_[i].engine)));
        if (tables_[i].create.find("WITH SYSTEM VERSIONING") != std::string::npos)
            notes_.add(fmt::format("table {} is system-versioned: its present rows are in the backup, "
                                   "their history is not",
                                   printable(tables_[i].name)));
    }
}

Result<vault::ChunkId> DatabaseBackup::store_root() {
    vault::Tree folders;
    auto known = work_.tables.empty() ? Folders() : before_;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        known[tables_[i].name] = stored_[i]->folder.tree;
        folders.push_back(std::move(stored_[i]->folder));
    }
    TRY(remember_folders(work_.state, known));
    std::ranges::sort(folders, {}, &vault::TreeEntry::name);
    vault::Tree root = { TRY(store_value(into_, schema_file, schema_.value())),
                         folder_entry(tables_folder, TRY(into_.store_tree(folders))) };
    return into_.store_tree(root);
}

Value DatabaseBackup::detail() const {
    Value::Map tables;
    for (std::size_t i = 0; i < tables_.size(); ++i)
        tables[tables_[i].name] = stored_[i]->facts;
    const Value only =
        work_.tables.empty() ? Value() : Value(Value::List(work_.tables.begin(), work_.tables.end()));
    return Value::Map{ { "server", schema_.server },
                       { "only", only },
                       { "database", schema_.database },
                       { "position", moment_.position },
                       { "connections", static_cast<std::int64_t>(moment_.connections.size()) },
                       { "locked_us", moment_.locked.count() },
                       { "tables", std::move(tables) },
                       { "notes", notes_.value() } };
}

std::uint64_t DatabaseBackup::bytes() const {
    std::uint64_t bytes = 0;
    for (const auto& stored : stored_)
        bytes += stored->bytes;
    return bytes;
}

std::string what_lacks(const DatabaseBackup& backup) {
    if (!backup.missing().empty())
        return fmt::format("the plan names tables that are not there: {}",
                           printable(join(backup.missing(), ", ")));
    if (backup.tables() == 0)
        return "the database holds no tables";
    return backup.rows() == 0 ? "all tables of the database are empty" : "";
}

Result<vault::ComponentRecord> with_results(vault::ComponentRecord record, DatabaseBackup& backup) {
    record.tree = TRY(backup.store_root());
    record.size_bytes = backup.bytes();
    record.files = backup.tables();
    record.detail = backup.detail();
    record.error = what_lacks(backup);
    record.duration = now().microseconds - record.started;
    return record;
}

} // namespace

Result<vault::ComponentRecord> back_up_mariadb(const config::ComponentSettings& settings,
                                               vault::Writer& into, const Work& work) {
    vault::ComponentRecord record{ .name = settings.name,
                                   .kind = "mariadb",
                                   .started = now().microseconds };
    const auto login = TRY(database::mariadb_login(settings));
    TRY(io::make_folder(work.state));
    const auto lock = TRY(hold_state(work.state));
    for (int attempt = 1;; ++attempt) {
        DatabaseBackup backup(login, into, work);
        auto done = backup.run();
        if (!done.ok() && backup.definition_has_changed() && attempt < most_attempts)
            continue;
        TRY(std::move(done).while_doing("back up the database", login.text()));
        return with_results(std::move(record), backup);
    }
}

Result<vault::ComponentRecord> back_up_still_copy(const database::Login& login, const std::string& name,
                                                  vault::Writer& into, const Work& work,
                                                  const InTheWordsOf& tell) {
    vault::ComponentRecord record{ .name = name, .kind = "mariadb", .started = now().microseconds };
    TRY(io::make_folder(work.state));
    DatabaseBackup backup(login, into, work, &tell);
    TRY(backup.run());
    if (backup.tables() == 0)
        return Error{ .kind = Kind::missing, .why = "there is no table in it" };
    return with_results(std::move(record), backup);
}

} // namespace respawn::component
