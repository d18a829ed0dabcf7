// What of a dump makes tables and rows: only what can do nothing else is handed on.
#include "base/text.h"
#include "component/dump_reader.h"
#include "database/mariadb_rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

// That are inserted at once.
constexpr std::size_t bytes_of_dumped_rows = 1 << 20, most_dumped_rows = 10'000;

// Those whose rows lie in the server's own folder; MERGE's in tables beside it.
constexpr std::string_view engines_of_dumps[] = { "innodb", "myisam", "aria",      "memory",
                                                  "heap",   "csv",    "rocksdb",   "archive",
                                                  "tokudb", "merge",  "mrg_myisam" };
// Behind the columns: files elsewhere, tables elsewhere.
constexpr std::string_view never_options[] = { "connection", "directory", "tablespace",
                                               "secondary_engine" };

template <class List> bool has_word(const List& list, std::string_view word) {
    return std::ranges::find(list, word) != std::end(list);
}

// What a default value or a check must not call.
bool is_never_called(std::string_view word) {
    return !word.empty() && word != "nextval" &&
           has_word(database::mariadb_reading_rules().forbidden_functions, word);
}

bool is_quoted_of(std::string_view text, std::string_view letters) {
    return text.size() >= 2 && text.front() == '\'' &&
           text.substr(1, text.size() - 2).find_first_not_of(letters) == text.npos;
}

// A name's qualifier, by its place in the statement.
struct Qualifier {
    std::size_t at = 0, size = 0;
};

std::string without(std::string text, const std::vector<Qualifier>& qualifiers) {
    for (auto one = qualifiers.rbegin(); one != qualifiers.rend(); ++one)
        text.erase(one->at, one->size);
    return text;
}

} // namespace

Result<void> DumpReader::must_be_plain() const {
    if (settings_.is_plain_mode())
        return {};
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("line {}: a table in the sql_mode {}", first_line_,
                                     printable(settings_.sql_mode())),
                  .fix = "make the dump without --compatible; nothing was kept" };
}

Result<void> DumpReader::create_table() {
    if (!is_wanted_)
        return pass_statement();
    TRY(must_be_plain());
    const auto table = TRY(own_name());
    if (!token_->is("("))
        return refused("CREATE TABLE without columns of its own");
    const auto body = token_->at;
    std::vector<Qualifier> qualifiers;
    TRY(columns_and_options(table, [&](std::size_t at, std::size_t size) {
        qualifiers.push_back({ at, size });
    }));
    if (!text_.passed_over().empty())
        content_.notes.add(fmt::format("table {}: this server does not know \"{}\": it was left out",
                                       printable(table), printable(trimmed(text_.passed_over()))));
    content_.rows.try_emplace(TRY(as_utf8(table, "the name of a table")), 0);
    return run({ .sql = "create table " + MariadbTables::quoted(table) + " " +
                        without(text_.statement(false), qualifiers).substr(body),
                 .task = "make the table",
                 .subject = table,
                 .line = first_line_ });
}

// To the statement's end.
Result<void> DumpReader::columns_and_options(const std::string& table, const TakeQualifier& take) {
    TRY(go_on());
    if (token_->is("like"))
        return refused("CREATE TABLE … LIKE");
    for (int depth = 1, behind = 0; !token_->ends(); behind = behind || depth == 0) {
        const auto word = token_->kind == DumpToken::Kind::word ? token_->name : "";
        depth += token_->is("(") ? 1 : token_->is(")") ? -1 : 0;
        if (word == "select" || is_never_called(word) || token_->text.starts_with('@') ||
            (behind && has_word(never_options, word)))
            return refused(fmt::format("{} in CREATE TABLE", printable(token_->text.substr(0, 100))));
        if (behind && word == "engine")
            TRY(engine(table));
        else if (!word.empty() || token_->kind == DumpToken::Kind::name)
            TRY(name_with_qualifier(take));
        else
            TRY(go_on());
    }
    return {};
}

Result<void> DumpReader::engine(const std::string& of) {
    TRY(go_on());
    TRY(skip("="));
    auto engine = token_->name.empty() ? token_->text : token_->name;
    std::ranges::transform(engine, engine.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
    if (!has_word(engines_of_dumps, engine))
        return refused(fmt::format("{} with the engine {}, whose rows may lie elsewhere,",
                                   printable(of), printable(token_->text.substr(0, 100))));
    return go_on();
}

// Sequences that columns count up are named with their database.
Result<void> DumpReader::name_with_qualifier(const TakeQualifier& take) {
    const auto at = token_->at;
    const auto first = TRY(name());
    if (!token_->is("."))
        return {};
    TRY(must_be_own(first));
    take(at, token_->at + 1 - at);
    return go_on();
}

Result<void> DumpReader::create_sequence() {
    if (!is_wanted_)
        return pass_statement();
    const auto sequence = TRY(own_name());
    const auto options = token_->at;
    while (!token_->ends()) {
        const bool plain = token_->kind == DumpToken::Kind::word ||
                           token_->kind == DumpToken::Kind::number || token_->is("-") ||
                           token_->is("=");
        if (!plain)
            return refused(
                fmt::format("{} in CREATE SEQUENCE", printable(token_->text.substr(0, 100))));
        TRY(token_->is("engine") ? engine(sequence) : go_on());
    }
    const auto text = text_.statement(false);
    return run({ .sql = "create sequence " + MariadbTables::quoted(sequence) + " " +
                        text.substr(std::min(options, text.size())),
                 .task = "make the sequence",
                 .subject = sequence,
                 .line = first_line_ });
}

// ---- rows ----

Result<void> DumpReader::flush() {
    if (rows_.count == 0)
        return {};
    content_.rows[TRY(as_utf8(rows_.table, "the name of a table"))] += rows_.count;
    DumpStatement statement{ .sql = rows_.head + rows_.tuples,
                             .task = "load rows into the table",
                             .subject = rows_.table,
                             .line = rows_.line,
                             .rows = std::exchange(rows_.count, 0) };
    rows_.tuples.clear();
    return run(std::move(statement));
}

Result<void> DumpReader::take_insert() {
    if (!is_wanted_)
        return pass_statement();
    TRY(must_be_plain());
    TRY(take_head_of_rows());
    text_.keep_statement(false);
    do {
        tuple_.clear();
        const auto line = token_->line;
        TRY(take_tuple());
        if (rows_.tuples.size() + tuple_.size() > bytes_of_dumped_rows ||
            rows_.count == most_dumped_rows)
            TRY(flush());
        if (rows_.count == 0)
            rows_.line = line;
        rows_.tuples += rows_.count++ > 0 ? "," : "";
        rows_.tuples += tuple_;
    } while (TRY(skip(",")));
    return must_end();
}

// INSERT [IGNORE] INTO name [(columns)] VALUES
Result<void> DumpReader::take_head_of_rows() {
    auto head = first_word_ + " ";
    for (const std::string_view word : { "low_priority", "high_priority", "delayed" })
        TRY(skip(word));
    if (TRY(skip("ignore")))
        head += "ignore ";
    TRY(must("into"));
    const auto table = TRY(own_name());
    head += "into " + MariadbTables::quoted(table);
    if (TRY(skip("("))) {
        std::vector<std::string> columns;
        do
            columns.push_back(MariadbTables::quoted(TRY(name())));
        while (TRY(skip(",")));
        TRY(must(")"));
        head += " (" + join(columns, ",") + ")";
    }
    if (!TRY(skip("value")))
        TRY(must("values"));
    head += " values ";
    if (head == rows_.head)
        return {};
    TRY(flush());
    rows_.head = std::move(head);
    rows_.table = table;
    return {};
}

Result<void> DumpReader::take_tuple() {
    TRY(must("("));
    tuple_ = "(";
    while (!token_->is(")")) {
        TRY(take_literal());
        if (tuple_.size() > wanted_.longest)
            return Error{ .kind = Kind::denied,
                          .why = fmt::format("line {}: a row of more than {}", token_->line,
                                             human_size(wanted_.longest)),
                          .fix = "raise max_allowed_packet at the scratch server" };
        if (!token_->is(")"))
            TRY(must(","));
        if (!token_->is(")"))
            tuple_ += ",";
    }
    tuple_ += ")";
    return go_on();
}

// NULL, -1.5, 0xff, 'text', x'ff', b'1', _latin1'text', _binary x'ff'
Result<void> DumpReader::take_literal() {
    if (token_->kind == DumpToken::Kind::word && token_->name.starts_with('_')) {
        tuple_ += token_->name + " ";
        TRY(go_on());
        if (token_->kind == DumpToken::Kind::number)
            return refused();
    }
    if (token_->is("x") || token_->is("b")) {
        const auto letters = token_->is("x") ? "0123456789abcdefABCDEF" : "01";
        tuple_ += token_->name;
        TRY(go_on());
        if (!is_quoted_of(token_->text, letters))
            return refused();
    } else if (token_->is("-")) {
        tuple_ += "-";
        TRY(go_on());
        if (token_->kind != DumpToken::Kind::number)
            return refused();
    }
    const bool is_value = token_->kind == DumpToken::Kind::text ||
                          token_->kind == DumpToken::Kind::number ||
                          token_->kind == DumpToken::Kind::bytes || token_->is("null");
    if (!is_value)
        return refused(fmt::format("{} in a row", printable(token_->text.substr(0, 100))));
    tuple_ += token_->text;
    return go_on();
}

} // namespace respawn::component
