#include "component/mariadb_values.h"

#include "base/text.h"
#include "database/decimal.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace respawn::component {

namespace {

constexpr std::string_view whole_moment = "0000-00-00 00:00:00.000000";

bool is_listed(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
}

// How SHOW CREATE TABLE tells a column, behind its name.
std::string_view declared_as(const ServerTable& table, const std::string& column) {
    const std::string_view create = table.create;
    const auto name = "\n  " + database::MariadbTables::quoted(column) + " ";
    const auto at = create.find(name);
    if (at == create.npos)
        return {};
    const auto rest = create.substr(at + name.size());
    const auto line = rest.substr(0, rest.find('\n'));
    return line.substr(0, line.find(" COMMENT '"));
}

std::string_view word_behind(std::string_view text, std::string_view mark) {
    const auto at = text.find(mark);
    if (at == text.npos)
        return {};
    const auto rest = text.substr(at + mark.size());
    return rest.substr(0, rest.find_first_of(" ,\n"));
}

// Empty: the usual one of a character set, which takes cases for equal.
std::string_view collation_of(const ServerTable& table, std::string_view declared) {
    if (const auto own = word_behind(declared, " COLLATE "); !own.empty())
        return own;
    const std::string_view create = table.create;
    const auto options = create.rfind("\n) ");
    if (declared.find(" CHARACTER SET ") != declared.npos || options == create.npos)
        return {};
    return word_behind(create.substr(options), "COLLATE=");
}

// The last of the numbers in "decimal(10,2)", "bit(8)", "datetime(6)".
std::size_t last_number(std::string_view declared, std::size_t otherwise) {
    const auto open = declared.find_first_of("( ");
    if (open == declared.npos || declared[open] == ' ')
        return otherwise;
    auto inside = declared.substr(open + 1, declared.find(')') - open - 1);
    if (const auto comma = inside.rfind(','); comma != inside.npos)
        inside.remove_prefix(comma + 1);
    std::size_t number = otherwise;
    std::from_chars(inside.data(), inside.data() + inside.size(), number);
    return number;
}

template <class Number> std::optional<Number> number_in(std::string_view text) {
    Number number{};
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool fits = fault == std::errc() && end == text.data() + text.size() && !text.empty();
    return fits ? std::optional(number) : std::nullopt;
}

Value whole_value(std::uint64_t number) {
    return number <= INT64_MAX ? Value(static_cast<std::int64_t>(number))
                               : Value(std::to_string(number));
}

std::optional<Value> whole_in(std::string_view text) {
    if (const auto number = number_in<std::int64_t>(text))
        return Value(*number);
    const auto large = number_in<std::uint64_t>(text);
    return large ? std::optional(whole_value(*large)) : std::nullopt;
}

std::optional<Value> as_whole(const Value& value) {
    if (value.integer())
        return value;
    if (const auto* truth = value.boolean())
        return Value(*truth ? 1 : 0);
    if (const auto* real = value.real())
        return std::floor(*real) == *real && std::abs(*real) < 9e15
                   ? std::optional(Value(static_cast<std::int64_t>(*real)))
                   : std::nullopt;
    if (!value.text())
        return {};
    const auto text = trimmed(*value.text());
    return whole_in(text.starts_with('+') ? text.substr(1) : text);
}

std::string bits_of(std::uint64_t number, std::size_t bits) {
    std::string bytes;
    for (std::size_t left = (bits + 7) / 8; left > 0; --left)
        bytes += static_cast<char>(left > 8 ? 0 : number >> (left - 1) * 8 & 0xff);
    return bytes;
}

// "1.5" with two digits behind the point: "1.50"; nothing where it has more of them.
std::optional<std::string> with_digits(std::string text, std::size_t digits) {
    auto point = text.find('.');
    while (point != text.npos && text.size() - point - 1 > digits && text.back() == '0')
        text.pop_back();
    if (point != text.npos && text.size() - point - 1 > digits)
        return {};
    if (point == text.npos && digits > 0) {
        point = text.size();
        text += '.';
    }
    if (point != text.npos)
        text.resize(digits == 0 ? point : point + 1 + digits, '0');
    return text;
}

std::string as_typed(const Value& value) {
    return value.text() ? *value.text() : value.blob() ? value.blob()->bytes : to_text(value);
}

AskedCell impossible() { return { .possible = false, .exact = true, .value = {}, .cell = {} }; }

} // namespace

ColumnValues::Form ColumnValues::form_of(const ServerColumn& column) {
    if (is_listed(column.type, { "tinyint", "smallint", "mediumint", "int", "bigint", "year" }))
        return Form::whole;
    if (is_listed(column.type, { "float", "double" }))
        return Form::real;
    if (is_listed(column.type,
                  { "date", "time", "datetime", "timestamp", "uuid", "inet4", "inet6", "json" }))
        return column.charset.empty() ? Form::told : Form::text;
    return column.type == "decimal" ? Form::exact
           : column.type == "bit"   ? Form::bits
           : column.charset.empty() ? Form::bytes
                                    : Form::text;
}

ColumnValues::ColumnValues(const ServerTable& table, std::size_t column)
    : form_(form_of(table.columns[column])), type_(table.columns[column].type),
      charset_name_(table.columns[column].charset), charset_(table.columns[column].charset),
      is_unsigned_(table.columns[column].is_unsigned) {
    const auto declared = declared_as(table, table.columns[column].name);
    const auto collation = collation_of(table, declared);
    filled_ = type_ == "year" || declared.find(" zerofill") != declared.npos;
    digits_ = last_number(declared, form_ == Form::bits ? 1 : 0);
    folds_case_ = !collation.ends_with("_bin") && !collation.ends_with("_cs");
    folds_blanks_ = collation.find("nopad") == collation.npos &&
                    collation.find("_0900_") == collation.npos && collation != "binary";
}

Holds ColumnValues::holds() const {
    switch (form_) {
    case Form::whole:
        return is_unsigned_ && type_ == "bigint" ? Holds::large : Holds::whole;
    case Form::bits:
        return digits_ == 64 ? Holds::large : Holds::whole;
    case Form::exact:
        return Holds::exact;
    case Form::real:
        return Holds::real;
    case Form::bytes:
        return Holds::bytes;
    default:
        return Holds::text;
    }
}

bool ColumnValues::keeps_order() const {
    return form_ == Form::real    ? false
           : form_ == Form::text  ? charset_.is_utf8()
           : form_ == Form::whole ? holds() != Holds::large
           : form_ == Form::bits  ? digits_ < 64
                                  : true;
}

bool ColumnValues::has_keys_of(const ColumnValues& other) const {
    if (form_ != other.form_)
        return false;
    return form_ == Form::text ? charset_name_ == other.charset_name_ ||
                                     (charset_.is_utf8() && other.charset_.is_utf8())
           : form_ == Form::exact || form_ == Form::bits ? digits_ == other.digits_
           : form_ == Form::told ? type_ == other.type_ && digits_ == other.digits_
                                 : true;
}

Value ColumnValues::value(const Cell& cell) {
    if (!cell)
        return {};
    switch (form_) {
    case Form::whole:
        return whole_in(*cell).value_or(Value(std::string(*cell)));
    case Form::bits: {
        std::uint64_t number = 0;
        for (const char c : *cell)
            number = number << 8 | static_cast<unsigned char>(c);
        return whole_value(number);
    }
    case Form::real: {
        const auto number = number_in<double>(*cell);
        return number ? Value(*number) : Value(std::string(*cell));
    }
    case Form::bytes:
        return Blob{ std::string(*cell) };
    case Form::text:
        if (auto text = charset_.to_utf8(*cell))
            return std::move(*text);
        return Blob{ std::string(*cell) };
    default:
        return std::string(*cell);
    }
}

AskedCell ColumnValues::asked_number(const Value& value) {
    const auto whole = as_whole(value);
    const auto digits = whole ? as_typed(*whole) : std::string();
    const bool negative = digits.starts_with('-');
    if (!whole || (negative && (is_unsigned_ || form_ == Form::bits)) ||
        (whole->text() && !is_unsigned_ && form_ == Form::whole))
        return impossible();
    if (form_ == Form::whole)
        return { .exact = !filled_, .value = *whole, .cell = digits };
    return { .value = *whole, .cell = bits_of(*number_in<std::uint64_t>(digits), digits_) };
}

AskedCell ColumnValues::asked_decimal(const Value& value) {
    const auto typed = as_typed(value);
    const auto text = std::string(trimmed(typed));
    if (!database::is_decimal(text))
        return impossible();
    const auto parsed = database::Decimal::parse(text);
    if (!parsed.ok() || !parsed.value() || filled_) // with more digits than can be counted with here
        return { .exact = false, .value = text, .cell = text };
    auto told = with_digits(parsed.value()->text(), digits_);
    return told ? AskedCell{ .value = *told, .cell = *told } : impossible();
}

AskedCell ColumnValues::asked_text(const Value& value) {
    const bool folds = folds_case_ || folds_blanks_;
    if (value.blob())
        return { .exact = !folds,
                 .value = this->value(value.blob()->bytes),
                 .cell = value.blob()->bytes };
    auto text = as_typed(value);
    auto bytes = charset_.from_utf8(text);
    if (!bytes && charset_.to_utf8("")) // it is known, and does not have these
        return impossible();
    return { .exact = !folds, .value = text, .cell = bytes ? *bytes : text };
}

AskedCell ColumnValues::asked_moment(const Value& value) {
    auto text = as_typed(value);
    if (type_ == "uuid" || type_ == "inet6")
        std::ranges::transform(text, text.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
    const auto full = digits_ == 0 ? 19 : 20 + std::min<std::size_t>(digits_, 6);
    if ((type_ == "datetime" || type_ == "timestamp") && text.size() >= 10) {
        if (text.size() > 10 && text[10] == 'T')
            text[10] = ' ';
        if (text.ends_with('Z'))
            text.pop_back();
        if (text.size() < full)
            text += whole_moment.substr(text.size(), full - text.size());
    }
    if (type_ == "time" && digits_ > 0)
        text = with_digits(text, digits_).value_or(text);
    return { .value = text, .cell = text };
}

AskedCell ColumnValues::asked(const Value& value) {
    if (value.is_null())
        return {};
    switch (form_) {
    case Form::whole:
    case Form::bits:
        return asked_number(value);
    case Form::exact:
        return asked_decimal(value);
    case Form::real: {
        const auto number =
            value.real() ? std::optional(*value.real()) : number_in<double>(trimmed(as_typed(value)));
        return number ? AskedCell{ .exact = false, .value = *number, .cell = as_typed(value) }
                      : impossible();
    }
    case Form::text:
        return asked_text(value);
    case Form::told:
        return asked_moment(value);
    default:
        return { .value = Blob{ as_typed(value) }, .cell = as_typed(value) };
    }
}

std::string ColumnValues::folded(std::string text) const {
    if (folds_blanks_)
        text.resize(text.find_last_not_of(' ') + 1);
    if (folds_case_)
        std::ranges::transform(text, text.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
    return text;
}

bool ColumnValues::is(const Cell& cell, const AskedCell& asked) {
    if (!cell || !asked.cell)
        return !cell && !asked.cell;
    if (*cell == *asked.cell)
        return true;
    if (asked.exact)
        return false;
    if (form_ == Form::exact)
        return database::compare_decimals(*cell, *asked.cell) == 0;
    const auto value = this->value(cell);
    if (form_ == Form::text && value.text() && asked.value.text())
        return folded(*value.text()) == folded(*asked.value.text());
    return value == asked.value;
}

} // namespace respawn::component
