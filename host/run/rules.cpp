#include "run/rules.h"

#include "base/text.h"
#include "component/snapshot_sql.h"
#include "database/decimal.h"
#include "run/expectation.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <regex.h>

namespace respawn::run {

namespace {

constexpr std::size_t most_rows = 5;
constexpr std::size_t longest_text = 64 << 10; // that a pattern is held against
constexpr Duration day = std::chrono::hours(24);

class Pattern {
  public:
    explicit Pattern(const std::string& text)
        : sound_(::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB) == 0) {}
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;
    ~Pattern() {
        if (sound_)
            ::regfree(&compiled_);
    }
    bool fits(const std::string& text) const {
        return sound_ && text.size() <= longest_text && text.find('\0') == std::string::npos &&
               ::regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
    }

  private:
    regex_t compiled_{};
    bool sound_;
};

std::string words_of(const config::RuleSettings& rule) {
    if (!rule.sql.empty())
        return fmt::format("{} gives {}", printable(rule.sql), to_text(rule.expected));
    std::vector<std::string> parts;
    if (rule.min)
        parts.push_back("not below " + *rule.min);
    if (rule.max)
        parts.push_back("not above " + *rule.max);
    if (!rule.expected.between.empty())
        parts.push_back(to_text(rule.expected));
    if (!rule.pattern.empty())
        parts.push_back("like " + printable(rule.pattern));
    if (!rule.not_after.empty())
        parts.push_back("not after " + rule.not_after);
    return fmt::format("{}.{}: {}", printable(rule.table), printable(rule.column), join(parts, ", "));
}

// Seconds, milliseconds or microseconds since 1970, by their size; or a text.
std::optional<Moment> moment_in(const Value& value) {
    if (const auto* number = value.integer()) {
        const auto size = std::abs(static_cast<double>(*number));
        return Moment{ size < 1e11 ? *number * 1'000'000 : size < 1e14 ? *number * 1000 : *number };
    }
    if (const auto* real = value.real(); real && std::abs(*real) < 1e11)
        return Moment{ static_cast<std::int64_t>(*real * 1e6) };
    if (!value.text())
        return std::nullopt;
    auto text = *value.text();
    if (text.size() > 10 && text[10] == ' ')
        text[10] = 'T';
    const bool zoned = text.size() > 19 && text.find_first_of("Z+-", 19) != std::string::npos;
    auto moment = from_rfc3339(zoned ? text : text.size() == 10 ? text + "T00:00:00Z" : text + "Z");
    return moment.ok() ? std::optional(moment.value()) : std::nullopt;
}

// One rule over the rows of its table.
class ColumnRule {
  public:
    ColumnRule(const config::RuleSettings& rule, Moment taken, RuleOutcome& outcome)
        : rule_(rule), outcome_(outcome), latest_(taken + day) {
        if (!rule.pattern.empty())
            pattern_ = std::make_unique<Pattern>(rule.pattern);
        if (rule.not_after != "now" && !rule.not_after.empty())
            if (const auto moment = parse_moment(rule.not_after, taken); moment.ok())
                latest_ = moment.value();
    }
    const std::string& column() const { return rule_.column; }

    void look_at(const Value& cell, const std::string& row) {
        if (cell.is_null() || holds(cell))
            return;
        ++outcome_.broken;
        if (outcome_.rows.size() < most_rows)
            outcome_.rows.push_back(fmt::format("{}: {}", row, respawn::to_text(cell)));
    }

  private:
    bool holds(const Value& cell) const {
        const auto text = plain_text(cell);
        if (rule_.min || rule_.max || !rule_.expected.between.empty()) {
            if (!database::is_decimal(text) ||
                (rule_.min && database::compare_decimals(text, *rule_.min) < 0) ||
                (rule_.max && database::compare_decimals(text, *rule_.max) > 0) ||
                (!rule_.expected.between.empty() && !run::holds(rule_.expected, cell, {})))
                return false;
        }
        if (pattern_ && !pattern_->fits(text))
            return false;
        const auto moment = rule_.not_after.empty() ? std::optional(Moment{}) : moment_in(cell);
        return moment && (rule_.not_after.empty() || *moment <= latest_);
    }

    const config::RuleSettings& rule_;
    RuleOutcome& outcome_;
    Moment latest_;
    std::unique_ptr<Pattern> pattern_;
};

std::string row_name(const std::vector<std::string>& key, const std::vector<Value>& row) {
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < key.size(); ++i)
        parts.push_back(printable(key[i]) + "=" + respawn::to_text(row[i]));
    return parts.empty() ? "a row" : join(parts, ",");
}

Result<void> look_at_rows(component::SnapshotSql& sql, const component::TableShape& shape,
                          std::vector<ColumnRule>& rules, const Cancellation& cancel) {
    std::vector<std::string> columns;
    for (const auto& column : shape.key)
        columns.push_back(database::quoted_name(column));
    for (const auto& rule : rules)
        columns.push_back(database::quoted_name(rule.column()));
    return sql.query(
        fmt::format("select {} from {}", join(columns, ", "), database::quoted_name(shape.name)),
        [&](const auto&, const std::vector<Value>& row) -> Result<void> {
            TRY(cancel.check());
            const auto name = row_name(shape.key, row);
            for (std::size_t i = 0; i < rules.size(); ++i)
                rules[i].look_at(row[shape.key.size() + i], name);
            return {};
        });
}

bool is_of_asking(const Error& error) {
    return error.kind == Kind::usage || error.kind == Kind::missing ||
           error.kind == Kind::unsupported || error.kind == Kind::denied || error.kind == Kind::timeout;
}

class Asking {
  public:
    Asking(const std::vector<config::RuleSettings>& rules, Moment taken, const Cancellation& cancel,
           std::vector<RuleOutcome>& outcomes)
        : rules_(rules), taken_(taken), cancel_(cancel), outcomes_(outcomes) {}

    Result<void> ask(component::SnapshotSql& sql, const std::vector<component::TableShape>& shapes) {
        std::set<std::string> tables;
        for (std::size_t i = 0; i < rules_.size(); ++i)
            if (!rules_[i].sql.empty())
                TRY(ask_sql(sql, i));
            else if (tables.insert(rules_[i].table).second)
                TRY(ask_table(sql, shapes, rules_[i].table));
        return {};
    }

  private:
    Result<void> ask_sql(component::SnapshotSql& sql, std::size_t which) {
        Value found;
        bool any = false;
        auto done =
            sql.query(rules_[which].sql, [&](const auto&, std::vector<Value> row) -> Result<void> {
                if (!std::exchange(any, true) && !row.empty())
                    found = std::move(row.front());
                return {};
            });
        if (!done.ok())
            return failed(which, done.error());
        if (!holds(rules_[which].expected, found, {})) {
            outcomes_[which].broken = 1;
            outcomes_[which].rows.push_back("it gives " + respawn::to_text(found));
        }
        return {};
    }

    Result<void> ask_table(component::SnapshotSql& sql,
                           const std::vector<component::TableShape>& shapes, const std::string& table) {
        const auto shape = std::ranges::find(shapes, table, &component::TableShape::name);
        std::vector<ColumnRule> asked;
        std::vector<std::size_t> which;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            if (rules_[i].table != table || !rules_[i].sql.empty())
                continue;
            if (shape == shapes.end())
                outcomes_[i].error = "the backup has no table " + printable(table);
            else if (std::ranges::find(shape->columns, rules_[i].column) == shape->columns.end())
                outcomes_[i].error = fmt::format("table {} has no column {}", printable(table),
                                                 printable(rules_[i].column));
            else {
                asked.emplace_back(rules_[i], taken_, outcomes_[i]);
                which.push_back(i);
            }
        }
        if (asked.empty())
            return {};
        const auto done = look_at_rows(sql, *shape, asked, cancel_);
        for (const auto i : which)
            if (!done.ok())
                TRY(failed(i, done.error()));
        return {};
    }

    Result<void> failed(std::size_t which, const Error& error) {
        if (!is_of_asking(error))
            return error;
        outcomes_[which].error = error.why;
        return {};
    }

    const std::vector<config::RuleSettings>& rules_;
    Moment taken_;
    const Cancellation& cancel_;
    std::vector<RuleOutcome>& outcomes_;
};

} // namespace

Result<std::vector<RuleOutcome>> check_rules(vault::Vault& from, const vault::ComponentRecord& record,
                                             const std::vector<config::RuleSettings>& rules,
                                             Moment taken, const Cancellation& cancel) {
    std::vector<RuleOutcome> outcomes;
    for (const auto& rule : rules)
        outcomes.push_back(
            { .component = record.name, .rule = words_of(rule), .rows = {}, .error = {} });
    if (rules.empty())
        return outcomes;
    const auto shapes = TRY(component::list_tables(from, record));
    auto sql = TRY(component::SnapshotSql::open(from, { &record }));
    TRY(Asking(rules, taken, cancel, outcomes).ask(sql, shapes));
    return outcomes;
}

Result<std::vector<RuleOutcome>> check_rules(vault::Vault& from, const vault::Snapshot& snapshot,
                                             const config::Config& config,
                                             const std::vector<std::string>& components,
                                             const Cancellation& cancel) {
    std::vector<RuleOutcome> all;
    for (const auto& settings : config.components) {
        const auto* record = snapshot.component(settings.name);
        const bool asked =
            components.empty() || std::ranges::find(components, settings.name) != components.end();
        if (!record || !record->success || !asked || settings.rules.empty())
            continue;
        for (auto& outcome :
             TRY(check_rules(from, *record, settings.rules, { snapshot.started }, cancel)
                     .while_doing("hold the backup against its rules", settings.name)))
            all.push_back(std::move(outcome));
    }
    return all;
}

Result<void> must_hold_rules(vault::Vault& from, const vault::Snapshot& snapshot,
                             const config::Config& config, const std::string& component,
                             std::string_view allowed_because, const Cancellation& cancel) {
    if (!trimmed(allowed_because).empty())
        return {};
    std::vector<std::string> broken;
    for (const auto& rule : TRY(check_rules(from, snapshot, config, { component }, cancel)))
        if (!rule.held())
            broken.push_back(to_text(rule));
    if (broken.empty())
        return {};
    return Error{ .kind = Kind::failed_check,
                  .what = "restore " + component,
                  .on = "snapshot " + snapshot.id,
                  .why = "rules of the configuration would not hold:\n" + join(broken, "\n"),
                  .fix = "restore another snapshot, or say why: allow_violations = REASON, or `respawn "
                         "restore --allow-violations REASON`" };
}

Value to_value(const RuleOutcome& outcome) {
    return Value::Map{ { "component", outcome.component },
                       { "rule", outcome.rule },
                       { "held", outcome.held() },
                       { "broken_rows", static_cast<std::int64_t>(outcome.broken) },
                       { "rows", Value::List(outcome.rows.begin(), outcome.rows.end()) },
                       { "error", outcome.error } };
}

std::string to_text(const RuleOutcome& outcome) {
    if (!outcome.error.empty())
        return fmt::format("{} could not be asked: {}", outcome.rule, printable(outcome.error));
    if (outcome.held())
        return outcome.rule;
    return fmt::format("{} by {} ({}{})", outcome.rule, counted(outcome.broken, "row"),
                       join(outcome.rows, "; "), outcome.broken > outcome.rows.size() ? "; …" : "");
}

} // namespace respawn::run
