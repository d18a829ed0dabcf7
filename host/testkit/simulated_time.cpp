#include "testkit/simulated_time.h"

#include "testkit/passing_database.h"

namespace respawn::testkit {

namespace {

database::Write dated(database::Write write, Moment moment) {
    write.moment = moment;
    return write;
}

class DatedTrial final : public database::Trial {
  public:
    DatedTrial(std::unique_ptr<database::Trial> inner, Moment moment)
        : inner_(std::move(inner)), moment_(moment) {}

    Result<database::Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        return inner_->query(sql, parameters);
    }
    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        return inner_->rows_with(table, values, most);
    }
    Result<database::Written> write(const database::Write& write) override {
        return inner_->write(dated(write, moment_));
    }
    std::string place() const override { return inner_->place(); }

  private:
    std::unique_ptr<database::Trial> inner_;
    Moment moment_;
};

class DatedDatabase final : public PassingDatabase {
  public:
    DatedDatabase(std::unique_ptr<database::Database> inner, Moment moment)
        : PassingDatabase(std::move(inner)), moment_(moment) {}

    Result<database::Written> write(const database::Write& write, const database::Marker& marker,
                                    const database::Approval& approve) override {
        return PassingDatabase::write(dated(write, moment_), marker, approve);
    }
    Result<std::unique_ptr<database::Trial>> begin_trial(const io::Path& scratch) override {
        auto trial = TRY(PassingDatabase::begin_trial(scratch));
        return std::unique_ptr<database::Trial>(
            std::make_unique<DatedTrial>(std::move(trial), moment_));
    }

  private:
    Moment moment_;
};

} // namespace

run::Wraps at_time(run::Wraps wraps, Moment present) {
    wraps.clock = [present] { return present; };
    wraps.database = [present,
                      inner = std::move(wraps.database)](std::unique_ptr<database::Database> database) {
        if (inner)
            database = inner(std::move(database));
        return std::make_unique<DatedDatabase>(std::move(database), present);
    };
    return wraps;
}

} // namespace respawn::testkit
