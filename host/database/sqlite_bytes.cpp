#include "database/sqlite_bytes.h"

#include "database/sqlite_file_system.h"
#include "database/sqlite_reads.h"

#include <cstring>
#include <fmt/format.h>
#include <list>
#include <optional>

namespace respawn::database {

namespace {

constexpr Duration longest_query =
    std::chrono::hours(24); // a person waits for it, and can press Ctrl-C

class FetchedFile final : public VirtualFile {
  public:
    FetchedFile(Bytes bytes, std::optional<Error>& fault) : bytes_(std::move(bytes)), fault_(fault) {}
    const Bytes& bytes() const { return bytes_; }
    std::uint64_t size() const override { return bytes_.size; }
    bool read(char* to, std::size_t size, std::uint64_t offset) override {
        auto fetched = bytes_.read(offset, size);
        if (fetched.ok() && fetched.value().size() == size) {
            std::memcpy(to, fetched.value().data(), size);
            return true;
        }
        fault_ = fetched.ok() ? Error{ .kind = Kind::corrupt, .why = "bytes are missing" }
                              : std::move(fetched).error();
        return false;
    }

  private:
    Bytes bytes_;
    std::optional<Error>& fault_;
};

} // namespace

struct BytesDatabase::Shared {
    std::list<FetchedFile> files; // SQLite's files point to them
    std::optional<Error> fault;   // of the last fetch that failed
    VirtualFile& add(Bytes bytes) { return files.emplace_back(std::move(bytes), fault); }
};

Result<BytesDatabase> BytesDatabase::open(Bytes bytes) {
    auto shared = std::make_shared<Shared>();
    const io::Path name = bytes.name;
    auto connection = SqliteConnection::open_virtual(shared->add(std::move(bytes)), name);
    if (!connection.ok() && shared->fault)
        return *shared->fault;
    BytesDatabase database(std::move(shared), TRY(std::move(connection)));
    TRY(database.named(database.connection_.run("PRAGMA temp_store = MEMORY")));
    return database;
}

namespace {

// As the file's header says it, in the words of PRAGMA encoding.
Result<std::string_view> encoding_of(const Bytes& bytes) {
    constexpr std::uint64_t at = 56, size = 4;
    if (bytes.size < at + size)
        return "UTF-8"; // an empty database
    const auto field = TRY(bytes.read(at, size));
    return field.back() == 2 ? "UTF-16le" : field.back() == 3 ? "UTF-16be" : "UTF-8";
}

} // namespace

Result<BytesDatabase> BytesDatabase::open_together(std::vector<Bytes> all) {
    auto shared = std::make_shared<Shared>();
    for (auto& bytes : all)
        shared->add(std::move(bytes));
    BytesDatabase database(shared, TRY(SqliteConnection::open_in_memory("the backups")));
    const auto encoding = TRY(encoding_of(shared->files.front().bytes()));
    TRY(database.connection_.run(fmt::format("PRAGMA encoding = '{}'", encoding)));
    for (auto& file : shared->files) {
        if (TRY(encoding_of(file.bytes())) != encoding)
            return Error{ .kind = Kind::unsupported,
                          .why = "the two databases keep their text in different encodings",
                          .fix = "ask one at a time" };
        const OpeningVirtualFile opening(file);
        TRY(database.attach(file.bytes().name));
    }
    return database;
}

Result<void> BytesDatabase::attach(const std::string& name) {
    TRY(named(connection_.run(
        fmt::format("ATTACH 'file:{0}?vfs={1}&mode=ro' AS {0}", name, virtual_files()))));
    // Opened now, while it is known what is opened; SQLite reads the header later.
    return named(connection_.run(fmt::format("SELECT 1 FROM {}.sqlite_schema LIMIT 1", name)));
}

Result<void> BytesDatabase::named(Result<void> done) {
    return !done.ok() && shared_->fault ? *shared_->fault : std::move(done);
}

Result<void> BytesDatabase::query(std::string_view sql, const RowSink& sink) {
    shared_->fault.reset();
    auto done = named(guarded_query(connection_, sql, sink, longest_query));
    if (!done.ok() && done.error().kind == Kind::denied)
        done.error().fix = "a backup never changes: ask it with SELECT";
    return done;
}

Result<Rows> BytesDatabase::rows(std::string_view sql, const std::vector<Value>& parameters) {
    shared_->fault.reset();
    Rows found;
    TRY(named(connection_.query(sql, parameters,
                                [&](const auto& columns, std::vector<Value> row) -> Result<void> {
                                    found.columns = columns;
                                    found.rows.push_back(std::move(row));
                                    return {};
                                })));
    return found;
}

} // namespace respawn::database
