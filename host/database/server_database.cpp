#include "database/server_database.h"

#include "base/text.h"

#include <fmt/format.h>

namespace respawn::database {

namespace {

// A process that is stopped in the middle of a write must not hold the game's rows: the server ends it
// before others have waited in vain.
constexpr Patience live_patience = { .idle = std::chrono::seconds(4) };
constexpr Duration longest_hold = std::chrono::seconds(5);
// A dry run must not hold up the game.
constexpr Patience trial_patience = { .lock = std::chrono::seconds(1), .idle = longest_hold };
constexpr int most_tries = 4;

Result<Rows> read(ServerSession& session, std::string_view sql, const std::vector<Value>& parameters) {
    auto rows = collect(session, sql, parameters);
    return !rows.ok() && session.would_write() ? not_reading(rows.error().why) : std::move(rows);
}

// The server may have dropped it since the last call, when nothing was open.
bool still_there(const std::unique_ptr<ServerSession>& session) {
    return session && session->is_open() && session->run("select 1").ok();
}

// A transaction that is never committed. So that it holds no lock for long, the server ends it after a
// few idle seconds; what was tried so far is tried again when it is needed.
class ServerTrial final : public Trial {
  public:
    ServerTrial(ServerEngine& engine, Login login) : engine_(engine), login_(std::move(login)) {}

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        TRY(must_only_read(sql, engine_.reading_rules()));
        TRY(ready());
        TRY(session_->run(mark));
        TRY(engine_.only_read(*session_));
        auto rows = read(*session_, sql, parameters);
        back_to_mark(); // what a function of the game's wrote goes again
        return rows;
    }

    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        TRY(ready());
        TRY(session_->run(mark));
        auto rows = database::rows_with(*session_, table, values, most);
        back_to_mark(); // where it failed, a server takes nothing more before that
        return rows;
    }

    Result<Written> write(const Write& write) override {
        for (int tries = 1;; ++tries) {
            TRY(ready());
            TRY(session_->run(mark));
            auto written = apply(write);
            if (written.ok()) {
                writes_.push_back(write);
                return written;
            }
            const bool again = session_->may_try_again();
            back_to_mark();
            if (!again || tries == 2)
                return written;
            session_.reset(); // a deadlock has taken all back already
        }
    }

    std::string place() const override { return "in a transaction that was taken back"; }

  private:
    static constexpr std::string_view mark = "savepoint before_this";

    void back_to_mark() {
        if (!session_->is_open() || !session_->run("rollback to savepoint before_this").ok())
            session_.reset();
    }

    Result<Written> apply(const Write& write) {
        TRY(check_business_keys(*session_, write));
        return engine_.changes(*session_, write.moment.value_or(now()), &history_)->apply(write);
    }

    Result<void> ready() {
        if (now() - begun_ < longest_hold && still_there(session_))
            return {};
        session_ = TRY(engine_.connect(login_, Access::read_write, trial_patience));
        history_.clear();
        begun_ = now();
        TRY(engine_.begin(*session_));
        for (const auto& write : writes_)
            TRY(apply(write));
        return {};
    }

    ServerEngine& engine_;
    Login login_;
    std::unique_ptr<ServerSession> session_;
    Moment begun_;
    std::vector<Write> writes_;
    History history_;
};

class ServerDatabase final : public Database {
  public:
    ServerDatabase(std::unique_ptr<ServerEngine> engine, Login writer, std::optional<Login> reader)
        : engine_(std::move(engine)), writer_(std::move(writer)), reader_(std::move(reader)) {}

    Result<Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        TRY(must_only_read(sql, engine_->reading_rules()));
        return read(*TRY(reading()), sql, parameters);
    }

    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        return database::rows_with(*TRY(reading()), table, values, most);
    }

    Result<Written> write(const Write& write, const Marker& marker, const Approval& approve) override {
        const auto give_up = now() + live_patience.lock;
        for (int tries = 1;; ++tries) {
            TRY(writing());
            bool again = true;
            auto written = try_write(write, marker, approve, again);
            if (written.ok() || !again || tries == most_tries || now() > give_up)
                return written;
        }
    }

    Result<std::optional<Written>> find_written(std::string_view run, std::int64_t step) override {
        return find_marker(*TRY(writing()), run, step);
    }

    Result<MarkerState> marker_state() override { return read_marker_state(*TRY(writing())); }

    Result<std::unique_ptr<Trial>> begin_trial(const io::Path&) override {
        TRY(writing());
        return std::unique_ptr<Trial>(std::make_unique<ServerTrial>(*engine_, writer_));
    }

    Result<std::unique_ptr<io::Source>> dump(const std::vector<std::string>& tables) override {
        auto* session = TRY(writing());
        for (const auto& table : tables)
            if (!TRY(session->has_table(table)))
                return Error{ .kind = Kind::missing,
                              .why = fmt::format("there is no table {}", printable(table)) };
        auto source = io::run_program(engine_->dump_program(writer_, tables));
        if (!source.ok() && source.error().kind == Kind::missing)
            source.error().fix = fmt::format("apt-get install {}", engine_->dump_package());
        return source;
    }

    Result<std::vector<Lack>> find_lacks() override {
        auto lacks = TRY(engine_->writer_lacks(*TRY(writing()), writer_));
        if (!reader_)
            return lacks;
        const auto more = TRY(engine_->reader_lacks(*TRY(reading()), *reader_));
        lacks.insert(lacks.end(), more.begin(), more.end());
        return lacks;
    }

  private:
    Result<ServerSession*> reading() {
        if (!still_there(reading_))
            reading_ =
                TRY(engine_->connect(reader_ ? *reader_ : writer_, Access::read_only, live_patience));
        return reading_.get();
    }

    Result<ServerSession*> writing() {
        if (!still_there(writing_))
            writing_ = TRY(engine_->connect(writer_, Access::read_write, live_patience));
        return writing_.get();
    }

    // `again` becomes whether the same may be tried once more.
    Result<Written> try_write(const Write& write, const Marker& marker, const Approval& approve,
                              bool& again) {
        auto made = make_marker_tables(*writing_, engine_->marker_tables()); // commits by itself
        if (!made.ok() && made.error().kind == Kind::conflict) // another host makes them at this moment
            made = make_marker_tables(*writing_, engine_->marker_tables());
        auto written = made.ok() ? write_all(write, marker, approve, again)
                                 : Result<Written>(std::move(made).failure());
        if (!written.ok()) {
            again = again && writing_->may_try_again();
            if (writing_->is_open() && !writing_->run("rollback").ok())
                writing_.reset();
            return written;
        }
        const auto committed = writing_->run("commit");
        if (committed.ok())
            return written;
        again = false;
        return writing_->is_open() ? Result<Written>(committed.error())
                                   : settle(marker, committed.error());
    }

    // What was approved is not tried again: it might come out differently.
    Result<Written> write_all(const Write& write, const Marker& marker, const Approval& approve,
                              bool& again) {
        TRY(engine_->begin_our_turn(*writing_));
        TRY(check_token(*writing_, marker));
        const auto moment = write.moment.value_or(now());
        const auto number = TRY(add_marker(*writing_, marker, write.why, moment));
        TRY(take_business_keys(*writing_, write, number));
        auto written = TRY(engine_->changes(*writing_, moment, nullptr)->apply(write));
        written.marker = number;
        again = !approve;
        if (approve)
            TRY(approve(written));
        TRY(fill_marker(*writing_, number, written));
        return written;
    }

    // The answer to a commit was lost. Whoever gets its turn knows that the other transaction has
    // ended, and whether it was kept.
    Result<Written> settle(const Marker& marker, const Error& lost) {
        auto session = engine_->connect(writer_, Access::read_write, live_patience);
        auto found = session.ok() ? find_after(*session.value(), marker)
                                  : Result<std::optional<Written>>(session.error());
        if (!found.ok())
            return Error{ .kind = Kind::unknown,
                          .why = fmt::format("the server went away in the commit ({}), and cannot be "
                                             "asked whether it was kept: {}",
                                             lost.why, found.error().why),
                          .fix = "when the server is back: respawn resume" };
        if (found.value())
            return std::move(*found.value());
        return Error{ .kind = Kind::unavailable,
                      .why = lost.why + "; nothing was changed",
                      .fix = lost.fix };
    }

    Result<std::optional<Written>> find_after(ServerSession& session, const Marker& marker) {
        TRY(engine_->begin_our_turn(session));
        auto found = find_marker(session, marker.run, marker.step);
        TRY(session.run("rollback"));
        return found;
    }

    std::unique_ptr<ServerEngine> engine_;
    Login writer_;
    std::optional<Login> reader_;
    std::unique_ptr<ServerSession> reading_, writing_;
};

} // namespace

std::unique_ptr<Database> make_server_database(std::unique_ptr<ServerEngine> engine, Login writer,
                                               std::optional<Login> reader) {
    return std::make_unique<ServerDatabase>(std::move(engine), std::move(writer), std::move(reader));
}

} // namespace respawn::database
