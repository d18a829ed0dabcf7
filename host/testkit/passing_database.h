// A database that hands everything on to another: what stands around one overrides what it is there
// for.
#pragma once

#include "database/database.h"

#include <memory>

namespace respawn::testkit {

class PassingDatabase : public database::Database {
  public:
    explicit PassingDatabase(std::unique_ptr<database::Database> inner) : inner_(std::move(inner)) {}

    Result<database::Rows> query(std::string_view sql, const std::vector<Value>& parameters) override {
        return inner_->query(sql, parameters);
    }
    Result<std::vector<Value::Map>> rows_with(const std::string& table, const Value::Map& values,
                                              std::size_t most) override {
        return inner_->rows_with(table, values, most);
    }
    Result<database::Written> write(const database::Write& write, const database::Marker& marker,
                                    const database::Approval& approve) override {
        return inner_->write(write, marker, approve);
    }
    Result<std::optional<database::Written>> find_written(std::string_view run,
                                                          std::int64_t step) override {
        return inner_->find_written(run, step);
    }
    Result<database::MarkerState> marker_state() override { return inner_->marker_state(); }
    Result<std::unique_ptr<database::Trial>> begin_trial(const io::Path& scratch) override {
        return inner_->begin_trial(scratch);
    }
    Result<std::unique_ptr<io::Source>> dump(const std::vector<std::string>& tables) override {
        return inner_->dump(tables);
    }

  private:
    std::unique_ptr<database::Database> inner_;
};

} // namespace respawn::testkit
