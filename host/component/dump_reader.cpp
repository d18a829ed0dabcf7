#include "component/dump_reader.h"

#include "base/text.h"
#include "component/charset.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace respawn::component {

using database::MariadbTables;

namespace {

// The last that a dump sets back, in what it was kept.
constexpr std::string_view set_back_last[] = { "@old_sql_notes", "@old_note_verbosity" };
constexpr std::string_view letters_of_a_charset = "abcdefghijklmnopqrstuvwxyz0123456789_";

Error cut_short(std::uint64_t line) {
    return { .kind = Kind::corrupt,
             .why = fmt::format("line {}: the dump is cut short, in the middle of a statement", line),
             .fix = "make or fetch it again; nothing of this one was kept" };
}

std::string without_quotes(const std::string& text) {
    return text.size() < 2 ? "" : text.substr(1, text.size() - 2);
}

} // namespace

DumpReader::DumpReader(io::Source& from, DumpWanted wanted, Run run)
    : text_(from, wanted.dialect, wanted.longest,
            [this](std::string_view line) { take_comment(line); }),
      wanted_(std::move(wanted)), run_(std::move(run)) {}

// The last word of a text may be half of one.
Error DumpReader::refused(std::string_view what) {
    if (token_->kind == DumpToken::Kind::end || text_.is_near_end())
        return cut_short(token_->line);
    return { .kind = Kind::denied,
             .why = fmt::format("line {}: {} is not what a dump contains", token_->line, what),
             .fix = "take it out of the dump if you know what it is for; nothing was kept" };
}

Error DumpReader::refused() { return refused(printable(token_->text.substr(0, 100))); }

// ---- the whole ----

Result<DumpContent> DumpReader::read() {
    for (;;) {
        text_.begin_statement();
        text_.set_quotes(settings_.names_in_double_quotes(), settings_.backslash_escapes());
        TRY(go_on());
        if (comment_fault_)
            return *comment_fault_;
        if (token_->kind == DumpToken::Kind::end)
            break;
        if (token_->kind == DumpToken::Kind::delimiter)
            continue;
        TRY(statement());
        if (token_->kind != DumpToken::Kind::delimiter)
            return refused();
    }
    TRY(flush());
    TRY(must_be_whole());
    TRY(settle_database());
    return std::move(content_);
}

Result<void> DumpReader::statement() {
    static constexpr Handler handlers[] = {
        { "set", "", &DumpReader::take_set },
        { "use", "", &DumpReader::take_use },
        { "create", "", &DumpReader::take_create },
        { "drop", "", &DumpReader::take_drop },
        { "alter", "", &DumpReader::take_alter },
        { "insert", "", &DumpReader::take_insert },
        { "replace", "", &DumpReader::take_insert },
        { "do", "setval", &DumpReader::take_sequence_value },
        { "select", "setval", &DumpReader::take_sequence_value },
        { "lock", "tables", &DumpReader::take_nothing },
        { "unlock", "tables", &DumpReader::take_nothing },
        { "start", "transaction", &DumpReader::take_nothing },
        { "begin", ";", &DumpReader::take_nothing },
        { "commit", ";", &DumpReader::take_nothing },
        { "change", "master", &DumpReader::take_unheeded },
        { "change", "replication", &DumpReader::take_unheeded },
        { "start", "slave", &DumpReader::take_unheeded },
        { "stop", "slave", &DumpReader::take_unheeded },
    };
    first_line_ = token_->line;
    first_word_ = token_->kind == DumpToken::Kind::word ? token_->name : "";
    const auto said = printable(token_->text.substr(0, 40));
    if (first_word_ != "insert" && first_word_ != "replace")
        TRY(flush());
    if (std::ranges::find(handlers, first_word_, &Handler::first) == std::end(handlers))
        return refused(said);
    TRY(go_on());
    for (const auto& handler : handlers)
        if (handler.first == first_word_ &&
            (handler.second.empty() || token_->is(handler.second) ||
             (handler.second == ";" && token_->kind == DumpToken::Kind::delimiter)))
            return (this->*handler.take)();
    return refused(fmt::format("{} {}", said, printable(token_->text.substr(0, 40))));
}

void DumpReader::take_comment(std::string_view line) {
    line = trimmed(line); // a '\r' may be left
    constexpr std::string_view database = "    Database: ", own = ", written by respawn from its vault";
    const bool is_own = line.ends_with(own);
    if (line.starts_with("-- MariaDB dump ") || line.starts_with("-- MySQL dump ") || is_own) {
        if (open_)
            comment_fault_ = cut_short(text_.line());
        open_ = true;
        content_.made_by = printable(line.substr(3, 200));
        if (is_own)
            content_.database = line.substr(3, std::min(line.find(" of M"), line.size()) - 3);
    } else if (line.starts_with("-- Host: ") && line.find(database) != line.npos) {
        content_.database = trimmed(line.substr(line.find(database) + database.size()));
    } else if (line.starts_with("-- Dump completed") || line == "-- complete") {
        open_ = false;
        has_end_ = true;
        const auto on = line.find(" on ");
        content_.made_at = on == line.npos ? "" : printable(line.substr(on + 4, 40));
    }
}

Result<void> DumpReader::must_be_whole() {
    if (open_)
        return Error{ .kind = Kind::corrupt,
                      .why = "the dump has no line \"-- Dump completed\" at its end: it was cut short, "
                             "or its making failed",
                      .fix = "make or fetch it again; nothing of this one was kept" };
    if (has_end_ || restored_notes_)
        return {};
    if (saved_notes_)
        return cut_short(text_.line());
    if (wanted_.without_end)
        return {};
    return Error{ .kind = Kind::corrupt,
                  .why = "nothing at the dump's end shows that it is whole (made with --compact?)",
                  .fix = "make it without --compact; or, if you know that it is whole: the same with "
                         "--without-end" };
}

Result<void> DumpReader::settle_database() {
    if (databases_.empty() && !content_.database.empty())
        databases_.insert(content_.database);
    if (!wanted_.database.empty() && !databases_.empty() && !databases_.contains(wanted_.database))
        return Error{ .kind = Kind::missing,
                      .why = fmt::format("the dump has no database {}", printable(wanted_.database)),
                      .fix = "it has: " +
                             printable(join({ databases_.begin(), databases_.end() }, ", ")) };
    if (!wanted_.database.empty())
        content_.database = wanted_.database;
    else if (!here_.empty())
        content_.database = here_;
    std::tie(content_.charset, content_.collation) = defaults_[content_.database];
    return {};
}

// ---- tokens ----

Result<bool> DumpReader::skip(std::string_view word) {
    if (!token_->is(word))
        return false;
    TRY(go_on());
    return true;
}

Result<void> DumpReader::pass_one() { return token_->ends() ? refused("an end here") : go_on(); }

Result<void> DumpReader::must(std::string_view word) {
    return TRY(skip(word)) ? Result<void>() : refused();
}

Result<void> DumpReader::must_end() { return token_->ends() ? Result<void>() : refused(); }

Result<void> DumpReader::pass_statement() {
    text_.keep_statement(false);
    while (!token_->ends())
        TRY(go_on());
    return {};
}

Result<std::string> DumpReader::name() {
    if (token_->kind != DumpToken::Kind::name && token_->kind != DumpToken::Kind::word)
        return refused();
    auto found = token_->kind == DumpToken::Kind::name ? token_->name : token_->text;
    TRY(go_on());
    return found;
}

Result<void> DumpReader::must_be_own(const std::string& database) {
    const auto& own = here_.empty() ? content_.database : here_;
    if (own.empty())
        content_.database = database;
    return own.empty() || own == database
               ? Result<void>()
               : refused(fmt::format("a name in another database ({})", printable(database)));
}

Result<std::string> DumpReader::own_name() {
    auto found = TRY(name());
    if (!TRY(skip(".")))
        return found;
    TRY(must_be_own(found));
    return name();
}

Result<std::string> DumpReader::as_utf8(const std::string& text, std::string_view what) const {
    const auto charset = settings_.charset();
    if (charset == "binary")
        return text;
    if (auto known = Charset(charset).to_utf8(text))
        return *known;
    return Error{ .kind = Kind::unsupported,
                  .why = fmt::format("line {}: {} is no text of {}", first_line_, what, charset),
                  .fix = "make the dump with --default-character-set=utf8mb4" };
}

// ---- settings ----

Result<void> DumpReader::take_set() {
    if (token_->is("names"))
        return take_names();
    do {
        std::string scope;
        for (const std::string_view word : { "session", "local", "global" })
            if (TRY(skip(word)))
                scope = fmt::format("@@{}.", word);
        const bool is_variable =
            token_->kind == DumpToken::Kind::word || token_->kind == DumpToken::Kind::variable;
        if (!is_variable)
            return refused("SET " + printable(token_->text.substr(0, 100)));
        const auto variable = scope + token_->name;
        TRY(go_on());
        TRY(skip(":"));
        TRY(must("="));
        TRY(assign(variable));
    } while (TRY(skip(",")));
    return must_end();
}

Result<void> DumpReader::in_this_line(Result<void> done) const {
    if (done.ok())
        return done;
    auto error = std::move(done).error();
    error.why = fmt::format("line {}: {}", first_line_, error.why);
    return error;
}

Result<void> DumpReader::assign(const std::string& variable) {
    const auto is_last = [](std::string_view name) {
        return std::ranges::find(set_back_last, name) != std::end(set_back_last);
    };
    const bool sets_back = is_last(token_->name);
    saved_notes_ = saved_notes_ || is_last(variable);
    restored_notes_ = !is_last(variable) && (restored_notes_ || sets_back);
    return in_this_line(settings_.set(variable, TRY(assigned())));
}

// Texts beside each other are one.
Result<std::string> DumpReader::assigned() {
    std::string value;
    if (token_->kind == DumpToken::Kind::text) {
        for (; token_->kind == DumpToken::Kind::text; TRY(go_on()))
            value += without_quotes(token_->text);
        return value;
    }
    if (token_->kind == DumpToken::Kind::variable)
        value = settings_.value(token_->name);
    else if (token_->kind == DumpToken::Kind::word || token_->kind == DumpToken::Kind::number)
        value = token_->is("default") ? "" : token_->text;
    else
        return refused("SET to " + printable(token_->text.substr(0, 100)));
    TRY(go_on());
    return value;
}

Result<void> DumpReader::take_names() {
    TRY(go_on());
    const auto charset = TRY(assigned());
    const auto collation = TRY(skip("collate")) ? TRY(assigned()) : "";
    TRY(in_this_line(settings_.set_names(charset, collation)));
    return must_end();
}

// ---- databases ----

Result<void> DumpReader::take_use() {
    const auto database = TRY(name());
    if (wanted_.database.empty() && !here_.empty() && here_ != database)
        return Error{ .kind = Kind::usage,
                      .why = fmt::format("the dump has several databases: {}, {}, …", printable(here_),
                                         printable(database)),
                      .fix = "say which: --database NAME" };
    if (++names_ > most_names)
        return refused("so many databases");
    here_ = database;
    databases_.insert(database);
    is_wanted_ = wanted_.database.empty() || wanted_.database == database;
    TRY(must_end());
    const auto& [charset, collation] = defaults_[database];
    if (!is_wanted_ || charset.empty())
        return {};
    return run({ .sql = fmt::format("alter database character set {}{}", charset,
                                    collation.empty() ? "" : " collate " + collation),
                 .task = "set the character set of the database",
                 .subject = database,
                 .line = first_line_ });
}

// Of a database, as CREATE and ALTER have it: name CHARACTER SET x COLLATE y
Result<void> DumpReader::take_defaults() {
    const auto database = TRY(name());
    if (++names_ > most_names)
        return refused("so many databases");
    auto& [charset, collation] = defaults_[database];
    while (!token_->ends()) {
        TRY(skip("default"));
        const auto option = token_->name;
        TRY(go_on());
        if (option == "character")
            TRY(must("set"));
        TRY(skip("="));
        const auto value = TRY(assigned());
        const bool is_charset = option == "character" || option == "charset";
        const bool is_collation = option == "collate";
        if ((is_charset || is_collation) && value.find_first_not_of(letters_of_a_charset) != value.npos)
            return refused(printable(value.substr(0, 100)));
        if (is_charset)
            charset = value;
        else if (is_collation)
            collation = value;
        else if (option != "encryption" && option != "comment")
            return refused(printable(option.substr(0, 100)));
    }
    return {};
}

Result<void> DumpReader::take_alter() {
    if (TRY(skip("database")))
        return take_defaults();
    TRY(must("table"));
    TRY(own_name());
    if (!TRY(skip("disable")))
        TRY(must("enable"));
    TRY(must("keys"));
    return must_end();
}

// ---- rows ----

Result<void> DumpReader::run(DumpStatement statement) {
    statement.charset = settings_.charset();
    statement.time_zone = settings_.time_zone();
    return run_(statement);
}

Result<void> DumpReader::take_sequence_value() {
    TRY(go_on());
    TRY(must("("));
    const auto sequence = TRY(own_name());
    TRY(must(","));
    const std::string sign = TRY(skip("-")) ? "-" : "";
    const auto value = sign + token_->text;
    const bool is_number = token_->kind == DumpToken::Kind::number;
    TRY(is_number ? go_on() : refused());
    TRY(must(","));
    const auto used = token_->text;
    if (used != "0" && used != "1")
        return refused(printable(used.substr(0, 100)));
    TRY(go_on());
    TRY(must(")"));
    TRY(must_end());
    if (!is_wanted_)
        return {};
    return run(
        { .sql = fmt::format("do setval({}, {}, {})", MariadbTables::quoted(sequence), value, used),
          .task = "set the sequence",
          .subject = sequence,
          .line = first_line_ });
}

Result<void> DumpReader::take_nothing() { return pass_statement(); }

Result<void> DumpReader::take_unheeded() {
    content_.notes.add("what the dump says of replication was not heeded");
    return pass_statement();
}

} // namespace respawn::component
