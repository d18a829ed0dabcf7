// One JSON-RPC server's view of a chain. What it answers is held to its form: a wrong id, a log that
// was not asked for, a number that is none are Kind::corrupt; an error it answers is Kind::unsupported.
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "base/value.h"
#include "chain/facts.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace respawn::chain {

struct Block {
    std::int64_t number = 0;
    std::string hash;
    Moment time;
    bool operator==(const Block&) const = default;
};

class Endpoint {
  public:
    explicit Endpoint(Secret url);
    const std::string& name() const { return name_; } // what errors call it

    Result<std::int64_t> chain_id();
    Result<std::int64_t> height();
    // Kind::missing when there is no such block (yet).
    Result<Block> block(std::int64_t number);
    // `depth` is left to the caller. Kind::unknown when blocks were reorganised meanwhile.
    Result<Transaction> transaction(const std::string& hash);
    Result<std::int64_t> transaction_count(const std::string& address, std::int64_t block);
    // Ordered as they stand in the chain.
    Result<std::vector<Transfer>> transfers(const TransferQuery& query);

  private:
    Result<Value> ask(std::string_view method, Value::List parameters);
    Result<Value> answer_in(std::string_view body, std::int64_t id, std::string_view method) const;
    Result<Transaction> mined(const std::string& hash, const Value& transaction);
    Result<void> take_logs(const TransferQuery& query, std::vector<Transfer>& transfers);
    Result<void> put_in_order(std::vector<Transfer>& transfers) const;
    Result<Transfer> transfer_in(const Value& log, const TransferQuery& query) const;
    Error corrupt(std::string_view method, std::string_view why) const;
    Result<std::string> text(const Value& from, std::string_view key, std::string_view method) const;
    Result<std::int64_t> number(const Value& from, std::string_view key, std::string_view method) const;
    Result<std::string> address(const Value& from, std::string_view key, std::string_view method) const;
    Result<std::string> hash(const Value& from, std::string_view key, std::string_view method) const;

    Secret url_;
    std::string name_;
    std::int64_t asked_ = 0;
};

} // namespace respawn::chain
