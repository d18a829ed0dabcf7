// Lines for a person, each kept once, and not more of them than somebody reads.
#pragma once

#include "base/value.h"

#include <set>
#include <string>
#include <vector>

namespace respawn::component {

class Notes {
  public:
    void add(std::string line) {
        if (lines_.size() < kept && seen_.insert(line).second)
            lines_.push_back(std::move(line));
        else if (!seen_.contains(line))
            ++left_out_;
    }
    bool empty() const { return lines_.empty(); }
    std::size_t count() const { return lines_.size() + left_out_; }
    std::vector<std::string> lines() const {
        auto all = lines_;
        if (left_out_ > 0)
            all.push_back("and " + std::to_string(left_out_) + " more");
        return all;
    }
    Value value() const {
        Value::List list;
        for (auto& line : lines())
            list.emplace_back(std::move(line));
        return list;
    }

  private:
    static constexpr std::size_t kept = 1000;
    std::vector<std::string> lines_;
    std::set<std::string> seen_;
    std::size_t left_out_ = 0;
};

} // namespace respawn::component
