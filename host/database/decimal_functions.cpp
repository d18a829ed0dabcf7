#include "database/decimal_functions.h"

#include "base/text.h"
#include "database/decimal.h"

#include <fmt/format.h>
#include <new>
#include <sqlite3.h>

namespace respawn::database {

namespace {

constexpr int plain = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;

void refuse(sqlite3_context* context, const Error& error) {
    const auto text = error.fix.empty() ? error.why : error.why + "; " + error.fix;
    sqlite3_result_error(context, text.c_str(), static_cast<int>(text.size()));
}

std::string_view text_of(sqlite3_value* value) {
    const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
    return { text ? text : "", text ? static_cast<std::size_t>(sqlite3_value_bytes(value)) : 0 };
}

Error floating_does_not_mix() {
    return { .kind = Kind::usage,
             .why = "floating point does not mix with exact numbers",
             .fix = "cast the exact one: cast(… as real), or round the other: printf('%.2f', …)" };
}

// Nothing for NULL.
Result<std::optional<Decimal>> number_in(sqlite3_value* value) {
    switch (sqlite3_value_type(value)) {
    case SQLITE_NULL:
        return std::optional<Decimal>();
    case SQLITE_INTEGER:
        return std::optional(Decimal::whole(sqlite3_value_int64(value)));
    case SQLITE_TEXT:
        if (auto number = TRY(Decimal::parse(text_of(value))))
            return number;
        return Error{ .kind = Kind::usage,
                      .why =
                          fmt::format("'{}' is no number", printable(text_of(value).substr(0, 60))) };
    case SQLITE_FLOAT:
        return floating_does_not_mix();
    default:
        return Error{ .kind = Kind::usage, .why = "a blob is no number" };
    }
}

void give(sqlite3_context* context, const Result<Decimal>& number) {
    if (!number.ok())
        return refuse(context, number.error());
    const auto text = number.value().text();
    sqlite3_result_text(context, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

using One = Decimal (*)(const Decimal&);
using Two = Result<Decimal> (*)(const Decimal&, const Decimal&);

template <One compute> void of_one(sqlite3_context* context, int, sqlite3_value** values) {
    const auto number = number_in(values[0]);
    if (!number.ok())
        refuse(context, number.error());
    else if (number.value())
        give(context, compute(*number.value()));
}

// Without a result it is NULL; so is a division by zero.
template <Two compute, bool divides = false>
void of_two(sqlite3_context* context, int, sqlite3_value** values) {
    const auto a = number_in(values[0]), b = number_in(values[1]);
    if (!a.ok() || !b.ok())
        return refuse(context, a.ok() ? b.error() : a.error());
    if (a.value() && b.value() && !(divides && b.value()->is_zero()))
        give(context, compute(*a.value(), *b.value()));
}

void round_it(sqlite3_context* context, int count, sqlite3_value** values) {
    const auto number = number_in(values[0]);
    if (!number.ok())
        return refuse(context, number.error());
    if (number.value())
        give(context, number.value()->rounded(count > 1 ? sqlite3_value_int(values[1]) : 0));
}

// A whole number as an exact one; text as it is, whether it spells a number or not.
void to_exact(sqlite3_context* context, int, sqlite3_value** values) {
    if (sqlite3_value_type(values[0]) == SQLITE_TEXT)
        return sqlite3_result_value(context, values[0]);
    const auto number = number_in(values[0]);
    if (!number.ok())
        refuse(context, number.error());
    else if (number.value())
        give(context, *number.value());
}

// As it is shown: the shortest digits that mean it.
std::string shown(sqlite3_value* value) {
    return sqlite3_value_type(value) == SQLITE_FLOAT ? fmt::format("{}", sqlite3_value_double(value))
                                                     : std::string(text_of(value));
}

// Below 0, 0 or above 0; numbers before texts that are none. What was computed in floating point is no
// match for an exact number; with a third argument the other one is a number as it is written in the
// SQL.
void compare(sqlite3_context* context, int count, sqlite3_value** values) {
    int floating = 0, texts = 0;
    for (const int i : { 0, 1 })
        switch (sqlite3_value_type(values[i])) {
        case SQLITE_NULL:
            return;
        case SQLITE_FLOAT:
            ++floating;
            break;
        case SQLITE_TEXT:
            texts += is_decimal(text_of(values[i])) ? 1 : 0;
            break;
        default:
            break;
        }
    for (const int i : { 0, 1 })
        if (sqlite3_value_type(values[i]) == SQLITE_BLOB)
            return refuse(context,
                          { .kind = Kind::usage, .why = "a blob does not compare with a number" });
    if (floating > 0 && texts > 0 && count < 3)
        return refuse(context, floating_does_not_mix());
    sqlite3_result_int(context, compare_decimals(shown(values[0]), shown(values[1])));
}

// ---- aggregates, also over windows ----

struct Sum {
    Decimal total;
    std::int64_t count;
};

Sum* sum_of(sqlite3_context* context, bool make) {
    auto* memory = sqlite3_aggregate_context(context, make ? static_cast<int>(sizeof(Sum) + 16) : 0);
    if (!memory)
        return nullptr;
    // SQLite aligns to 8 bytes, a 128-bit number wants 16.
    auto address = reinterpret_cast<std::uintptr_t>(memory);
    return reinterpret_cast<Sum*>((address + 15) / 16 * 16);
}

template <Two change, int step> void sum_row(sqlite3_context* context, int, sqlite3_value** values) {
    auto* sum = sum_of(context, true);
    if (!sum)
        return sqlite3_result_error_nomem(context);
    if (sum->count == 0)
        new (sum) Sum{ Decimal::whole(0), 0 };
    const auto number = number_in(values[0]);
    if (!number.ok())
        return refuse(context, number.error());
    if (!number.value())
        return;
    const auto total = change(sum->total, *number.value());
    if (!total.ok())
        return refuse(context, total.error());
    *sum = { total.value(), sum->count + step };
}

enum class Wanted { sum, total, average };

template <Wanted wanted> void sum_now(sqlite3_context* context) {
    const auto* sum = sum_of(context, false);
    if (!sum || sum->count == 0) {
        if (wanted == Wanted::total)
            give(context, Decimal::whole(0));
        return;
    }
    give(context, wanted == Wanted::average ? Decimal::divide(sum->total, Decimal::whole(sum->count))
                                            : Result<Decimal>(sum->total));
}

int compare_texts(void*, int size_a, const void* a, int size_b, const void* b) {
    return compare_decimals({ static_cast<const char*>(a), static_cast<std::size_t>(size_a) },
                            { static_cast<const char*>(b), static_cast<std::size_t>(size_b) });
}

Decimal negative(const Decimal& number) { return number.negative(); }
Decimal absolute(const Decimal& number) { return number.absolute(); }

using Scalar = void (*)(sqlite3_context*, int, sqlite3_value**);
constexpr struct {
    const char* name;
    int parameters;
    Scalar compute;
} scalars[] = {
    { "decimal", 1, to_exact },
    { "decimal_add", 2, of_two<Decimal::add> },
    { "decimal_sub", 2, of_two<Decimal::subtract> },
    { "decimal_mul", 2, of_two<Decimal::multiply> },
    { "decimal_div", 2, of_two<Decimal::divide, true> },
    { "decimal_mod", 2, of_two<Decimal::modulo, true> },
    { "decimal_neg", 1, of_one<negative> },
    { "decimal_abs", 1, of_one<absolute> },
    { "decimal_round", 1, round_it },
    { "decimal_round", 2, round_it },
    { "decimal_cmp", 2, compare },
    { "decimal_cmp", 3, compare },
};

template <Wanted wanted> bool add_sum(sqlite3* handle, const char* name) {
    return sqlite3_create_window_function(handle, name, 1, plain, nullptr, sum_row<Decimal::add, 1>,
                                          sum_now<wanted>, sum_now<wanted>,
                                          sum_row<Decimal::subtract, -1>, nullptr) == SQLITE_OK;
}

} // namespace

Result<void> add_decimal_functions(SqliteConnection& connection) {
    auto* handle = connection.handle();
    bool added = sqlite3_create_collation_v2(handle, "decimal", SQLITE_UTF8, nullptr, compare_texts,
                                             nullptr) == SQLITE_OK;
    for (const auto& scalar : scalars)
        added =
            added && sqlite3_create_function_v2(handle, scalar.name, scalar.parameters, plain, nullptr,
                                                scalar.compute, nullptr, nullptr, nullptr) == SQLITE_OK;
    added = added && add_sum<Wanted::sum>(handle, "decimal_sum") &&
            add_sum<Wanted::total>(handle, "decimal_total") &&
            add_sum<Wanted::average>(handle, "decimal_avg");
    return added ? Result<void>() : connection.last_error();
}

} // namespace respawn::database
