// A walk over the statement's tokens. Expressions are parsed as SQLite parses them and written down
// again; what stands around them (SELECT, FROM, ORDER BY, names) is copied. Three things make it sound:
//   - a column of exact numbers is TEXT with the collation "decimal", so that it compares exactly with
//     another one and with a text that spells a number, and only these comparisons are left to SQLite;
//   - whatever else touches an exact number becomes a function that computes exactly or fails, or is
//     refused; what it gives carries the collation, for ORDER BY, GROUP BY, DISTINCT and the like;
//   - a name counts as exact unless it can only be a column that is not.
#include "database/exact_sql.h"

#include "base/text.h"
#include "database/sql_tokens.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace respawn::database {

namespace {

using Token = SqlToken;
using Words = std::initializer_list<std::string_view>;

// Functions that do not compute with the numbers they are given.
constexpr std::string_view leaves_numbers[] = { "count",
                                                "length",
                                                "lower",
                                                "upper",
                                                "substr",
                                                "substring",
                                                "trim",
                                                "ltrim",
                                                "rtrim",
                                                "replace",
                                                "instr",
                                                "hex",
                                                "quote",
                                                "typeof",
                                                "unicode",
                                                "like",
                                                "glob",
                                                "json_array",
                                                "json_quote",
                                                "ntile",
                                                "json_object",
                                                "row_number",
                                                "rank",
                                                "dense_rank",
                                                "group_concat",
                                                "json_group_array",
                                                "json_group_object" };

bool is_any(const Token& token, Words words) {
    return std::ranges::any_of(words, [&](auto word) { return token.is(word); });
}
bool is_one_of(std::string_view name, Words words) {
    return std::ranges::find(words, name) != words.end();
}

// Words that stand around expressions, and that no column can be called without quotes.
bool is_structure(const Token& token) {
    return is_any(token,
                  { "select", "distinct", "all", "from", "where", "group", "by", "having", "order",
                    "limit", "union", "intersect", "except", "as", "on", "using", "join", "values" });
}
bool is_kind_of_join(const Token& token) {
    return is_any(token, { "left", "right", "full", "inner", "outer", "cross", "natural" });
}
// Behind these an operand begins, and no other name for the one before.
bool expects_operand(const Token& token) {
    return is_structure(token) || is_kind_of_join(token) ||
           is_any(token,
                  { "and",    "or",     "not",  "in",     "is",      "like",     "glob", "match",
                    "case",   "regexp", "when", "then",   "else",    "between",  "with", "offset",
                    "escape", "exists", "over", "filter", "collate", "recursive" });
}

enum class Exact { no, maybe, yes };

struct Piece {
    enum class Shape { other, column, number, literal, row };
    std::string sql;
    Shape shape = Shape::other;
    Exact exact = Exact::no;
    bool written = false; // of numbers in the SQL alone
    bool touches() const { return exact != Exact::no; }
    bool is_column() const { return shape == Shape::column; }
    bool has_point() const {
        return shape == Shape::number && sql.find_first_of(".eE") != std::string::npos &&
               sql.find_first_of("xX") == std::string::npos;
    }
    bool is_literal() const { return shape == Shape::number || shape == Shape::literal; }
};

Error refused(std::string_view what, std::string_view instead) {
    return { .kind = Kind::unsupported,
             .why = fmt::format("{} would not be exact on columns of exact numbers", what),
             .fix = std::string(instead) };
}

Error not_followed(const Token& token) {
    return { .kind = Kind::unsupported,
             .why = fmt::format("the SQL cannot be followed at '{}', and so not computed exactly",
                                printable(token.text)),
             .fix = "write it more plainly, or cast the exact columns: cast(… as real)" };
}

// A number in SQL is floating point past 63 bits or with a point: as a text it is exact.
std::string exactly(const Piece& piece) {
    if (piece.shape == Piece::Shape::number && piece.sql.find_first_of("xX") == std::string::npos)
        return "'" + piece.sql + "'";
    return piece.sql;
}

Piece exact_result(std::string sql) {
    return { .sql = "(" + std::move(sql) + " collate decimal)", .exact = Exact::maybe };
}

class Rewriter {
  public:
    Rewriter(std::vector<Token> tokens, const ColumnNames& names)
        : tokens_(std::move(tokens)), names_(names) {
        find_other_names();
    }

    Result<std::string> all() {
        auto whole = TRY(statement(0));
        if (token().kind != Token::Kind::end)
            return not_followed(token());
        return whole.sql;
    }

  private:
    static constexpr int deepest = 100;
    enum Level { disjunction = 1, conjunction, negation, equality, order, bits, sum, product, joining };

    const Token& token(std::size_t ahead = 0) const {
        return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
    }
    Token take() { return tokens_[std::min(at_++, tokens_.size() - 1)]; }
    bool took(std::string_view word) {
        const bool there = token().is(word);
        at_ += there ? 1 : 0;
        return there;
    }
    Result<void> must_take(std::string_view word) {
        return took(word) ? Result<void>() : Result<void>(not_followed(token()));
    }
    static bool is_name(const Token& token) {
        return token.kind == Token::Kind::word || token.kind == Token::Kind::quoted_name;
    }

    // Names that the statement gives to columns: what is behind them is not known. A column that only
    // keeps its name ("a.id as id") is no other.
    void find_other_names() {
        for (std::size_t i = 1; i < tokens_.size(); ++i) {
            const auto& token = tokens_[i];
            const auto& before = tokens_[i - 1];
            const bool ends_operand = (is_name(before) && !expects_operand(before)) || before.is(")") ||
                                      before.kind == Token::Kind::number ||
                                      before.kind == Token::Kind::text || before.is("as");
            const auto& named = before.is("as") && i > 1 ? tokens_[i - 2] : before;
            if ((is_name(token) || token.kind == Token::Kind::text) && ends_operand &&
                !(is_name(named) && named.name == token.name))
                renamed_.insert(token.name);
        }
        for (at_ = 0; at_ < tokens_.size(); ++at_)
            for (std::size_t i = at_; i < at_ + header_length(); ++i)
                renamed_.insert(tokens_[i].name);
        at_ = 0;
    }

    // Of "name (a, b) as", or 0.
    std::size_t header_length() const {
        if (!is_name(token()) || !token(1).is("("))
            return 0;
        std::size_t length = 2;
        while (is_name(token(length)) || token(length).is(","))
            ++length;
        if (!token(length).is(")") || !token(length + 1).is("as"))
            return 0;
        auto open = length + 2; // else it is a call, and a name for it
        open += token(open).is("not") ? 1 : 0;
        open += token(open).is("materialized") ? 1 : 0;
        return token(open).is("(") ? length + 1 : 0;
    }

    Exact exactness(const std::string& column) const {
        const bool exact = names_.exact.contains(column), other = names_.other.contains(column);
        if (renamed_.contains(column) || exact == other)
            return Exact::maybe;
        return exact ? Exact::yes : Exact::no;
    }

    // ---- what stands around expressions ----

    // What one SELECT gives: its columns' exactness. With a star it is not known.
    struct Arm {
        std::vector<Piece> results;
        bool taking = true; // between SELECT and what follows its columns
    };

    // Up to the parenthesis that closes it, or the end. Exact, when what it selects first may be; a
    // column, when that is nothing but columns of exact numbers.
    Result<Piece> statement(int depth) {
        std::string sql;
        std::vector<Arm> arms;
        bool tables = false, named = false;
        if (depth > deepest)
            return not_followed(token());
        while (token().kind != Token::Kind::end && !token().is(")")) {
            if (is_structure(token()) || token().is(",") || token().is(";")) {
                named = token().is("as");
                TRY(structure(sql, arms, tables, depth));
                continue;
            }
            if (TRY(copied(sql)))
                continue;
            const auto piece = TRY(expression(disjunction, depth));
            add(sql, piece.sql);
            // What follows an expression without a comma is a name for it.
            if (!std::exchange(named, true) && !arms.empty() && arms.back().taking)
                arms.back().results.push_back(piece);
        }
        return selected(std::move(sql), arms);
    }

    // One word around expressions, and what it needs to be followed.
    Result<void> structure(std::string& sql, std::vector<Arm>& arms, bool& tables, int depth) {
        const auto word = take();
        if (word.is("select") || word.is("values"))
            arms.emplace_back();
        else if (!arms.empty() && !is_any(word, { ",", "distinct", "all", "as" }))
            arms.back().taking = false;
        const bool table =
            word.is("as") || is_any(word, { "from", "join" }) || (tables && word.is(","));
        tables =
            is_any(word, { "from", "join" }) || (tables && is_any(word, { ",", "on", "using", "as" }));
        add(sql, word.text);
        if (word.is("using"))
            return join_columns(sql);
        if (word.is("as")) // a name, or [NOT] MATERIALIZED in front of a query
            while (!token().is("(") &&
                   (is_any(token(), { "not", "materialized" }) || tokens_[at_ - 1].is("as")) &&
                   token().kind != Token::Kind::end)
                add(sql, take().text);
        if (table && token().is("("))
            add(sql, TRY(parentheses(depth + 1)).sql);
        return {};
    }

    Result<Piece> selected(std::string sql, const std::vector<Arm>& arms) {
        Piece whole{ .sql = std::move(sql), .shape = Piece::Shape::column };
        for (const auto& arm : arms) {
            if (arm.results.empty())
                continue;
            whole.exact = std::max(whole.exact, arm.results.front().exact);
            if (!arm.results.front().is_column() || arm.results.front().exact != Exact::yes)
                whole.shape = Piece::Shape::other;
            TRY(must_agree(arms.front(), arm));
        }
        return whole;
    }

    // Numbers and texts in one column would neither compare nor order by their values.
    static Result<void> must_agree(const Arm& first, const Arm& other) {
        for (std::size_t i = 0; i < std::min(first.results.size(), other.results.size()); ++i) {
            const auto &a = first.results[i], &b = other.results[i];
            if (a.sql.ends_with("*") || b.sql.ends_with("*"))
                return {};
            const bool empty = a.shape == Piece::Shape::literal || b.shape == Piece::Shape::literal;
            if (a.touches() != b.touches() && !empty)
                return refused("a union of exact and other numbers",
                               "make both exact: decimal(…), or cast(… as real)");
        }
        return {};
    }

    static void add(std::string& sql, std::string_view text) {
        sql += sql.empty() || text == "," ? "" : " ";
        sql += text;
    }

    // Headers of WITH, kinds of joins, hints: true when there was one.
    Result<bool> copied(std::string& sql) {
        std::size_t count = header_length();
        if (is_kind_of_join(token()) && (is_kind_of_join(token(1)) || token(1).is("join")))
            count = 1;
        if (token().is("not") && is_any(token(1), { "materialized", "indexed" }))
            count = 2;
        if (token().is("natural"))
            for (const auto& name : names_.exact)
                if (names_.other.contains(name))
                    return refused("a natural join", "name the columns: on a.x = b.x");
        for (std::size_t i = 0; i < count; ++i)
            add(sql, take().text);
        return count > 0;
    }

    Result<void> join_columns(std::string& sql) {
        TRY(must_take("("));
        std::vector<std::string> columns;
        do {
            if (exactness(token().name) == Exact::maybe)
                return refused("using (…)", "name the columns: on a.x = b.x");
            columns.push_back(take().text);
        } while (took(","));
        add(sql, "(" + join(columns, ", ") + ")");
        return must_take(")");
    }

    // ---- expressions ----

    static int level_of(const Token& token, const Token& next) {
        if (token.is("or"))
            return disjunction;
        if (token.is("and"))
            return conjunction;
        if (is_any(token, { "=", "==", "<>", "!=", "is", "in", "like", "glob", "match", "regexp",
                            "between", "isnull", "notnull" }))
            return equality;
        if (token.is("not") &&
            is_any(next, { "in", "like", "glob", "match", "regexp", "between", "null" }))
            return equality;
        if (is_any(token, { "<", "<=", ">", ">=" }))
            return order;
        if (is_any(token, { "&", "|", "<<", ">>" }))
            return bits;
        if (is_any(token, { "+", "-" }))
            return sum;
        if (is_any(token, { "*", "/", "%" }))
            return product;
        return is_any(token, { "||", "->", "->>" }) ? joining : 0;
    }

    Result<Piece> expression(int least, int depth) {
        if (depth > deepest)
            return not_followed(token());
        auto left = TRY(operand(depth + 1));
        for (;;) {
            const int level = level_of(token(), token(1));
            if (level == 0 || level < least)
                return left;
            left = TRY(level == equality ? equal(std::move(left), depth + 1)
                                         : operated(std::move(left), level, depth + 1));
        }
    }

    Result<Piece> operated(Piece left, int level, int depth) {
        const auto symbol = take().text;
        const auto right = TRY(expression(level + 1, depth));
        const bool touches = left.touches() || right.touches();
        if (touches && level == order)
            return compared(left, symbol, right);
        if (touches && level == bits)
            return refused(symbol, "numbers with a point have no bits");
        const bool written = left.written && right.written;
        // 0.1 + 0.2 beside exact columns is one, too.
        const bool with_point = written && (left.has_point() || right.has_point());
        if ((touches || with_point) && (level == sum || level == product))
            return computed(symbol, left, right);
        return Piece{ .sql = fmt::format("{} {} {}", left.sql, symbol, right.sql),
                      .written = written && (level == sum || level == product) };
    }

    static Result<Piece> computed(std::string_view symbol, const Piece& left, const Piece& right) {
        const auto* function = symbol == "+"   ? "decimal_add"
                               : symbol == "-" ? "decimal_sub"
                               : symbol == "*" ? "decimal_mul"
                               : symbol == "/" ? "decimal_div"
                                               : "decimal_mod";
        TRY(must_be_single(left));
        TRY(must_be_single(right));
        return exact_result(fmt::format("{}({}, {})", function, exactly(left), exactly(right)));
    }

    static Result<void> must_be_single(const Piece& piece) {
        if (piece.shape == Piece::Shape::row)
            return refused("a comparison of rows", "compare the columns one by one");
        return {};
    }

    // What SQLite compares exactly by itself, and can look up by a key.
    static bool is_plainly_exact(const Piece& left, const Piece& right) {
        const auto is_exact = [](const Piece& one) {
            return one.is_column() && one.exact == Exact::yes;
        };
        return (is_exact(left) && (right.is_literal() || is_exact(right))) ||
               (is_exact(right) && left.is_literal());
    }

    static std::string order_of(const Piece& left, const Piece& right) {
        const bool written = left.shape == Piece::Shape::number || right.shape == Piece::Shape::number;
        return fmt::format("decimal_cmp({}, {}{})", exactly(left), exactly(right),
                           written ? ", 1" : "");
    }

    static Result<Piece> compared(const Piece& left, std::string_view symbol, const Piece& right) {
        TRY(must_be_single(left));
        TRY(must_be_single(right));
        if (is_plainly_exact(left, right))
            return Piece{ .sql = fmt::format("{} {} {}", exactly(left), symbol, exactly(right)) };
        return Piece{ .sql = fmt::format("({} {} 0)", order_of(left, right), symbol) };
    }

    // IS, IN, BETWEEN, LIKE and the rest of that level.
    Result<Piece> equal(Piece left, int depth) {
        if (token().is("isnull") || token().is("notnull"))
            return Piece{ .sql = left.sql + " " + take().text };
        if (took("is"))
            return is(left, depth);
        const bool is_not = took("not");
        const std::string prefix = is_not ? "not " : "";
        if (took("in"))
            return in(left, is_not, depth);
        if (took("between"))
            return between(left, prefix, depth);
        if (is_not && took("null"))
            return Piece{ .sql = left.sql + " not null" };
        const auto symbol = take();
        auto right = TRY(expression(order, depth));
        if (symbol.kind == Token::Kind::symbol)
            return left.touches() || right.touches()
                       ? compared(left, symbol.text, right)
                       : Piece{ .sql = fmt::format("{} {} {}", left.sql, symbol.text, right.sql) };
        if (took("escape"))
            right.sql += " escape " + TRY(expression(order, depth)).sql;
        return Piece{ .sql = fmt::format("{} {}{} {}", left.sql, prefix, symbol.text, right.sql) };
    }

    Result<Piece> is(const Piece& left, int depth) {
        bool is_not = took("not");
        if (token().is("distinct") && token(1).is("from")) {
            at_ += 2;
            is_not = !is_not;
        }
        const auto right = TRY(expression(order, depth));
        const bool touches = left.touches() || right.touches();
        if (!touches || is_plainly_exact(left, right) || right.shape == Piece::Shape::literal)
            return Piece{ .sql =
                              fmt::format("{} is {}{}", touches ? exactly(left) : left.sql,
                                          is_not ? "not " : "", touches ? exactly(right) : right.sql) };
        TRY(must_be_single(left));
        TRY(must_be_single(right));
        return Piece{ .sql = fmt::format("({}coalesce({} = 0, {} is null and {} is null))",
                                         is_not ? "not " : "", order_of(left, right), left.sql,
                                         right.sql) };
    }

    Result<Piece> between(const Piece& left, const std::string& prefix, int depth) {
        const auto low = TRY(expression(order, depth));
        TRY(must_take("and"));
        const auto high = TRY(expression(order, depth));
        if (!left.touches() && !low.touches() && !high.touches())
            return Piece{ .sql = fmt::format("{} {}between {} and {}", left.sql, prefix, low.sql,
                                             high.sql) };
        for (const auto* piece : { &left, &low, &high })
            TRY(must_be_single(*piece));
        if (left.exact == Exact::yes && is_plainly_exact(left, low) && is_plainly_exact(left, high))
            return Piece{ .sql = fmt::format("{} {}between {} and {}", left.sql, prefix, exactly(low),
                                             exactly(high)) };
        return Piece{ .sql = fmt::format("({}({} >= 0 and {} <= 0))", prefix, order_of(left, low),
                                         order_of(left, high)) };
    }

    Result<Piece> in(const Piece& left, bool is_not, int depth) {
        const std::string prefix = is_not ? "not " : "";
        if (!token().is("(")) // a table
            return left.touches()
                       ? Result<Piece>(refused("in TABLE", "write in (select …)"))
                       : Piece{ .sql = left.sql + " " + prefix + "in " + TRY(operand(depth)).sql };
        if (is_any(token(1), { "select", "with", "values" })) {
            const auto rows = TRY(parentheses(depth));
            const bool same = left.is_column() && rows.is_column() && left.exact == Exact::yes &&
                              rows.exact == Exact::yes;
            if ((left.touches() || rows.touches()) && !same)
                return refused("in (select …)", "join with it, or write exists (select …)");
            return Piece{ .sql = fmt::format("{} {}in {}", left.sql, prefix, rows.sql) };
        }
        ++at_;
        std::vector<Piece> items;
        while (!token().is(")")) {
            items.push_back(TRY(expression(disjunction, depth)));
            if (!took(","))
                break;
        }
        TRY(must_take(")"));
        return in_list(left, prefix, items);
    }

    static Result<Piece> in_list(const Piece& left, const std::string& prefix,
                                 const std::vector<Piece>& items) {
        const bool touches = left.touches() || std::ranges::any_of(items, &Piece::touches);
        const bool plain = std::ranges::all_of(
            items, [&](const Piece& item) { return !touches || is_plainly_exact(left, item); });
        std::vector<std::string> texts;
        for (const auto& item : items)
            texts.push_back(touches ? exactly(item) : item.sql);
        if (items.empty() || (plain && (!touches || left.exact == Exact::yes)))
            return Piece{ .sql = fmt::format("{} {}in ({})", left.sql, prefix, join(texts, ", ")) };
        TRY(must_be_single(left));
        for (std::size_t i = 0; i < items.size(); ++i) {
            TRY(must_be_single(items[i]));
            texts[i] = order_of(left, items[i]) + " = 0";
        }
        return Piece{ .sql = fmt::format("({}({}))", prefix, join(texts, " or ")) };
    }

    // ---- operands ----

    Result<Piece> operand(int depth) {
        if (depth > deepest)
            return not_followed(token());
        if (token().is("not")) {
            ++at_;
            return Piece{ .sql = "not " + TRY(expression(equality, depth)).sql };
        }
        auto piece = TRY(is_any(token(), { "-", "+", "~" }) ? signed_operand(depth) : primary(depth));
        while (took("collate"))
            piece = { .sql = piece.sql + " collate " + take().text, .exact = piece.exact };
        return piece;
    }

    Result<Piece> signed_operand(int depth) {
        const auto sign = take().text;
        auto piece = TRY(operand(depth + 1));
        if (piece.shape == Piece::Shape::number && sign != "~") {
            if (sign == "-")
                piece.sql = piece.sql.starts_with('-') ? piece.sql.substr(1) : "-" + piece.sql;
            return piece;
        }
        if (!piece.touches())
            return Piece{ .sql = sign + " " + piece.sql, .written = piece.written };
        TRY(must_be_single(piece));
        if (sign == "~")
            return refused("~", "numbers with a point have no bits");
        return sign == "+" ? piece : exact_result("decimal_neg(" + piece.sql + ")");
    }

    Result<Piece> primary(int depth) {
        const auto& first = token();
        if (first.kind == Token::Kind::number)
            return Piece{ .sql = take().text, .shape = Piece::Shape::number, .written = true };
        if (first.kind == Token::Kind::text || first.kind == Token::Kind::blob ||
            first.kind == Token::Kind::parameter ||
            is_any(first,
                   { "null", "true", "false", "current_time", "current_date", "current_timestamp" }))
            return Piece{ .sql = take().text, .shape = Piece::Shape::literal };
        if (first.is("("))
            return single(depth);
        if (first.is("*") && (is_structure(token(1)) || is_any(token(1), { ",", ")" }) ||
                              token(1).kind == Token::Kind::end))
            return Piece{ .sql = take().text, .exact = Exact::maybe };
        if (first.is("case"))
            return choice(depth);
        if (first.is("cast") && token(1).is("("))
            return cast(depth);
        if (first.is("exists")) {
            ++at_;
            return Piece{ .sql = "exists " + TRY(parentheses(depth)).sql };
        }
        if (!is_name(first) ||
            is_any(first, { "and", "or", "in", "is", "between", "then", "when", "else" }))
            return not_followed(first);
        if (const auto length = frame_length(); length > 0)
            return frame(length);
        return token(1).is("(") ? call(depth) : column();
    }

    // Of "rows between 3 preceding and current row", which has no expressions but plain numbers; or 0.
    std::size_t frame_length() const {
        if (!is_any(token(), { "rows", "range", "groups" }))
            return 0;
        std::size_t length = 1;
        bool is_frame = false;
        for (; token(length).kind == Token::Kind::number ||
               is_any(token(length), { "between", "unbounded", "preceding", "following", "current",
                                       "row", "and", "exclude", "no", "others", "group", "ties" });
             ++length)
            is_frame = is_frame || is_any(token(length), { "preceding", "following", "row" });
        return is_frame ? length : 0;
    }

    Result<Piece> frame(std::size_t length) {
        Piece piece;
        const bool is_range = token().is("range");
        for (; length > 0; --length) {
            if (is_range && token().kind == Token::Kind::number)
                return refused("a range of values", "take rows between …, or groups between …");
            add(piece.sql, take().text);
        }
        return piece;
    }

    // The one value of a query has no collation of its own.
    Result<Piece> single(int depth) {
        const bool is_query = is_any(token(1), { "select", "with", "values" });
        auto piece = TRY(parentheses(depth));
        if (is_query)
            return piece.touches() ? exact_result(piece.sql) : Piece{ .sql = piece.sql };
        return piece;
    }

    Piece column() {
        Piece piece{ .sql = {}, .shape = Piece::Shape::column };
        for (;;) {
            const auto name = take();
            piece.sql += name.text;
            piece.exact = name.is("*") ? Exact::maybe : exactness(name.name);
            if (!token().is(".") || !(is_name(token(1)) || token(1).is("*")))
                return piece;
            piece.sql += take().text;
        }
    }

    // A query, a list, or one expression; or a join in parentheses.
    Result<Piece> parentheses(int depth) {
        TRY(must_take("("));
        if (is_any(token(), { "select", "with", "values" })) {
            auto query = TRY(statement(depth + 1));
            query.sql = "(" + query.sql + ")";
            TRY(must_take(")"));
            return query;
        }
        Piece piece = token().is(")") || is_structure(token())
                          ? Piece{}
                          : TRY(expression(disjunction, depth + 1));
        if (token().is(",") || !token().is(")")) {
            const bool is_row = token().is(",");
            const auto rest = TRY(statement(depth + 1));
            piece = { .sql = piece.sql + (is_row ? "" : " ") + rest.sql,
                      .shape = Piece::Shape::row,
                      .exact = Exact::maybe };
        }
        if (piece.shape != Piece::Shape::number)
            piece.sql = "(" + piece.sql + ")";
        TRY(must_take(")"));
        return piece;
    }

    Result<Piece> choice(int depth) {
        ++at_;
        std::optional<Piece> base;
        if (!token().is("when"))
            base = TRY(expression(disjunction, depth));
        std::vector<std::string> conditions;
        std::vector<Piece> results;
        while (took("when")) {
            const auto condition = TRY(expression(disjunction, depth));
            const bool touches = base && (base->touches() || condition.touches());
            conditions.push_back(!base     ? condition.sql
                                 : touches ? TRY(compared(*base, "=", condition)).sql
                                           : fmt::format("{} = {}", base->sql, condition.sql));
            TRY(must_take("then"));
            results.push_back(TRY(expression(disjunction, depth)));
        }
        if (took("else"))
            results.push_back(TRY(expression(disjunction, depth)));
        TRY(must_take("end"));
        const bool touches = unify(results);
        std::string sql = "case";
        for (std::size_t i = 0; i < results.size(); ++i)
            sql += i < conditions.size()
                       ? fmt::format(" when {} then {}", conditions[i], results[i].sql)
                       : " else " + results[i].sql;
        return touches ? exact_result(sql + " end") : Piece{ .sql = sql + " end" };
    }

    // Where one of them may be exact, all become texts; true when so.
    static bool unify(std::vector<Piece>& pieces) {
        const bool touches = std::ranges::any_of(pieces, &Piece::touches);
        for (auto& piece : pieces)
            if (touches && piece.shape == Piece::Shape::number)
                piece.sql = exactly(piece);
            else if (touches && piece.exact != Exact::yes && !piece.is_literal())
                piece.sql = "decimal(" + piece.sql + ")";
        return touches;
    }

    Result<Piece> cast(int depth) {
        at_ += 2;
        const auto piece = TRY(expression(disjunction, depth));
        TRY(must_take("as"));
        std::string type;
        for (int open = 0; open > 0 || !token().is(")");) {
            if (token().kind == Token::Kind::end)
                return not_followed(token());
            open += token().is("(") ? 1 : token().is(")") ? -1 : 0;
            add(type, take().text);
        }
        ++at_;
        const bool known = is_one_of(type_word(type),
                                     { "real", "double", "float", "text", "varchar", "char", "blob" });
        if (piece.touches() && !known)
            return refused("cast(… as " + printable(type) + ")",
                           "take decimal_round(…, digits), or cast(… as real), cast(… as text)");
        return Piece{ .sql = fmt::format("cast({} as {})", piece.sql, type) };
    }

    static std::string type_word(const std::string& type) {
        const auto tokens = sql_tokens(type);
        return tokens.front().name;
    }

    // ---- functions ----

    Result<Piece> call(int depth) {
        const auto function = take();
        ++at_;
        const std::string distinct = took("distinct") ? "distinct " : "";
        std::vector<Piece> arguments;
        while (!token().is(")")) {
            arguments.push_back(TRY(expression(disjunction, depth)));
            if (!took(","))
                break;
        }
        TRY(must_take(")"));
        const auto suffix = TRY(call_suffix(depth));
        const bool counts_all = arguments.size() == 1 && arguments[0].sql == "*";
        const bool touches = !counts_all && std::ranges::any_of(arguments, &Piece::touches);
        if (touches || function.name.starts_with("decimal"))
            return exact_call(function, distinct, arguments, suffix);
        return Piece{ .sql = called(function.text, distinct, arguments) + suffix };
    }

    static std::string called(std::string_view function, std::string_view distinct,
                              const std::vector<Piece>& arguments) {
        std::vector<std::string> texts;
        for (const auto& argument : arguments)
            texts.push_back(argument.sql);
        return fmt::format("{}({}{})", function, distinct, join(texts, ", "));
    }

    Result<std::string> call_suffix(int depth) {
        std::string suffix;
        for (const auto* word : { "filter", "over" })
            if (token().is(word) && (token(1).is("(") || (word[0] == 'o' && is_name(token(1))))) {
                add(suffix, take().text);
                if (!took("(")) {
                    add(suffix, take().text);
                    continue;
                }
                add(suffix, "(" + TRY(statement(depth + 1)).sql + ")");
                TRY(must_take(")"));
            }
        return suffix.empty() ? suffix : " " + suffix;
    }

    // One that is given a number that may be exact.
    static Result<Piece> exact_call(const Token& function, std::string_view distinct,
                                    std::vector<Piece>& arguments, const std::string& suffix) {
        const auto& name = function.name;
        for (const auto& argument : arguments)
            TRY(must_be_single(argument));
        if (std::ranges::find(leaves_numbers, name) != std::end(leaves_numbers))
            return Piece{ .sql = called(function.text, distinct, arguments) + suffix };
        if (is_one_of(name, { "lag", "lead" }) && arguments.size() == 3)
            arguments[2].sql =
                arguments[2].is_literal() ? exactly(arguments[2]) : "decimal(" + arguments[2].sql + ")";
        if (is_one_of(name, { "lag", "lead", "first_value", "last_value", "nth_value" }))
            return exact_result(called(function.text, distinct, arguments) + suffix);
        if (name == "decimal_cmp")
            return Piece{ .sql = order_of(arguments.front(), arguments.back()) };
        if (is_one_of(name, { "coalesce", "ifnull", "nullif", "iif", "min", "max" }))
            return unified_call(function, distinct, arguments, suffix);
        const auto exact = is_one_of(name, { "sum", "total", "avg", "abs", "round" })
                               ? "decimal_" + name
                           : name.starts_with("decimal") ? name
                                                         : std::string();
        if (exact.empty())
            return refused(printable(function.text) + "(…)",
                           "where floating point will do, cast first: cast(… as real)");
        for (auto& argument : arguments)
            argument.sql = exactly(argument);
        return exact_result(called(exact, distinct, arguments) + suffix);
    }

    static Result<Piece> unified_call(const Token& function, std::string_view distinct,
                                      std::vector<Piece>& arguments, const std::string& suffix) {
        std::vector<Piece> condition;
        if (function.name == "iif") {
            condition.push_back(arguments.front());
            arguments.erase(arguments.begin());
        }
        const bool touches = unify(arguments);
        // nullif, min and max compare by the collation of the first.
        if (touches && condition.empty())
            arguments.front().sql = "(" + arguments.front().sql + ") collate decimal";
        arguments.insert(arguments.begin(), condition.begin(), condition.end());
        auto sql = called(function.text, distinct, arguments) + suffix;
        return touches ? exact_result(std::move(sql)) : Piece{ .sql = std::move(sql) };
    }

    std::vector<Token> tokens_;
    const ColumnNames& names_;
    std::set<std::string> renamed_;
    std::size_t at_ = 0;
};

} // namespace

Result<std::string> exact_sql(std::string_view sql, const ColumnNames& names) {
    return Rewriter(sql_tokens(sql), names).all();
}

} // namespace respawn::database
