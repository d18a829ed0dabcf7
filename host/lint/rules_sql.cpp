// SQL that runbooks and modules read with. A text counts as SQL where it is given to respawn.sql as
// query, or to a function of stdlib.rows.
#include "lint/rule.h"

#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <utility>

namespace respawn::lint {

namespace {

// A query as it is written, and the values that are given for its ?.
struct Query {
    const Node* text = nullptr;
    int line = 0;
    std::optional<std::size_t> values; // where that can be told
};

std::optional<std::size_t> values_in(const Script& script, const Node* list) {
    if (!list)
        return 0;
    const auto& table = script.meant(*list);
    const bool plain = table.form == Form::table &&
                       std::all_of(table.parts.begin(), table.parts.end(),
                                   [](const Node& item) { return item.form == Form::item; });
    if (!plain)
        return std::nullopt;
    const bool open = !table.parts.empty() && !table.parts.back().parts[0].enclosed &&
                      (table.parts.back().parts[0].form == Form::varargs ||
                       table.parts.back().parts[0].form == Form::call ||
                       table.parts.back().parts[0].form == Form::method);
    return open ? std::nullopt : std::optional(table.parts.size());
}

const Node* item_named(const Node& table, std::string_view name) {
    for (const auto& item : table.parts)
        if (item.form == Form::named && item.text == name)
            return &item.parts[0];
    return nullptr;
}

// rows.one(query, …), rows.value(name, query, …)
void add_from_rows(const Script& script, const Node& call, std::vector<Query>& queries) {
    const auto& function = call.parts[0];
    if (key_of(function).empty() || script.module_of(function.parts[0]) != "stdlib.rows")
        return;
    const std::size_t at = key_of(function) == "value" ? 2 : 1;
    if (call.parts.size() <= at)
        return;
    const auto& last = call.parts.back();
    const bool open =
        call.parts.size() > at + 1 && !last.enclosed &&
        (last.form == Form::varargs || last.form == Form::call || last.form == Form::method);
    queries.push_back({ &call.parts[at], call.parts[at].line,
                        open ? std::nullopt : std::optional(call.parts.size() - at - 1) });
}

std::vector<Query> queries_of(const Subject& subject) {
    std::vector<Query> queries;
    const auto& script = subject.script();
    for (const auto& mention : subject.mentions()) {
        if (mention.name != "sql" || mention.arguments.size() != 1)
            continue;
        const auto& table = script.meant(*mention.arguments[0]);
        const auto* text = table.form == Form::table ? item_named(table, "query") : nullptr;
        if (text)
            queries.push_back({ text, text->line, values_in(script, item_named(table, "with")) });
    }
    each(script.root(), [&](const Node& node) {
        if (node.form == Form::call)
            add_from_rows(script, node, queries);
        return true;
    });
    return queries;
}

// In small letters; what stands in quotes, and comments, as blanks.
std::string plain_sql(std::string_view sql) {
    std::string plain(sql);
    char quote = 0;
    for (std::size_t i = 0; i < plain.size(); ++i) {
        const bool comment = quote == 0 && plain.compare(i, 2, "--") == 0;
        if (comment) {
            const auto end = std::min(plain.find('\n', i), plain.size());
            std::fill(plain.begin() + static_cast<long>(i), plain.begin() + static_cast<long>(end),
                      ' ');
            i = end;
        } else if (quote != 0) {
            quote = plain[i] == quote ? 0 : quote;
            plain[i] = ' ';
        } else if (plain[i] == '\'' || plain[i] == '"' || plain[i] == '`') {
            quote = plain[i];
            plain[i] = ' ';
        } else {
            plain[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(plain[i])));
        }
    }
    return plain;
}

std::vector<std::string> words_of(std::string_view plain) {
    std::vector<std::string> words;
    std::string word;
    for (const char c : plain) {
        const bool in_word = std::isalnum(static_cast<unsigned char>(c)) || c == '_';
        if (in_word)
            word += c;
        if (!in_word && !word.empty())
            words.push_back(std::exchange(word, {}));
        if (!in_word && !std::isspace(static_cast<unsigned char>(c)))
            words.emplace_back(1, c);
    }
    if (!word.empty())
        words.push_back(word);
    return words;
}

// Each query whose text is known, plain and in words.
void each_known(const Subject& subject,
                const std::function<void(const Query&, const std::string&,
                                         const std::vector<std::string>&)>& look) {
    for (const auto& query : queries_of(subject))
        if (const auto text = subject.script().text_of(*query.text)) {
            const auto plain = plain_sql(*text);
            look(query, plain, words_of(plain));
        }
}

void sql_that_writes(const Subject& subject, Findings& findings) {
    static const std::set<std::string> reading = { "select", "with",     "values", "show", "explain",
                                                   "(",      "describe", "pragma", "table" };
    each_known(
        subject, [&](const Query& query, const std::string&, const std::vector<std::string>& words) {
            if (!words.empty() && !reading.contains(words[0]))
                findings.add(query.line, fmt::format("respawn.sql only reads, and this begins with {}",
                                                     printable(words[0])));
        });
}

void sql_placeholders(const Subject& subject, Findings& findings) {
    each_known(subject, [&](const Query& query, const std::string& plain,
                            const std::vector<std::string>&) {
        const auto wanted = static_cast<std::size_t>(std::count(plain.begin(), plain.end(), '?'));
        const bool numbered = plain.find('$') != std::string::npos ||
                              plain.find(':') != std::string::npos ||
                              plain.find("?1") != std::string::npos;
        if (query.values && *query.values != wanted && !numbered)
            findings.add(query.line,
                         fmt::format("the query has {} ?, and {} given", wanted,
                                     *query.values == 1 ? "1 value is"
                                                        : fmt::format("{} values are", *query.values)));
    });
}

void sql_several(const Subject& subject, Findings& findings) {
    each_known(
        subject, [&](const Query& query, const std::string& plain, const std::vector<std::string>&) {
            const auto end = plain.find(';');
            if (end != std::string::npos && !trimmed(std::string_view(plain).substr(end + 1)).empty())
                findings.add(query.line, "this is more than one statement");
        });
}

void sql_null(const Subject& subject, Findings& findings) {
    each_known(subject,
               [&](const Query& query, const std::string&, const std::vector<std::string>& words) {
                   for (std::size_t i = 1; i < words.size(); ++i)
                       if (words[i] == "null" && (words[i - 1] == "=" || words[i - 1] == ">"))
                           findings.add(query.line, "a comparison with NULL is never true in SQL");
               });
}

void sql_clock(const Subject& subject, Findings& findings) {
    static const std::set<std::string> clocks = { "now",
                                                  "current_timestamp",
                                                  "current_date",
                                                  "current_time",
                                                  "sysdate",
                                                  "unix_timestamp",
                                                  "random",
                                                  "rand",
                                                  "randomblob",
                                                  "uuid",
                                                  "gen_random_uuid",
                                                  "curdate",
                                                  "utc_timestamp",
                                                  "localtimestamp" };
    each_known(subject, [&](const Query& query, const std::string&,
                            const std::vector<std::string>& words) {
        for (std::size_t i = 0; i < words.size(); ++i) {
            const bool called = i + 1 < words.size() && words[i + 1] == "(";
            const bool bare = words[i].starts_with("current_");
            if (clocks.contains(words[i]) && (called || bare))
                findings.add(query.line, fmt::format("{} gives something else each time", words[i]));
        }
    });
}

void sql_order(const Subject& subject, Findings& findings) {
    each_known(
        subject, [&](const Query& query, const std::string&, const std::vector<std::string>& words) {
            const auto has = [&](const char* word) {
                return std::find(words.begin(), words.end(), word) != words.end();
            };
            const bool exists = words.size() > 1 && words[1] == "1";
            if (has("limit") && !has("order") && !exists)
                findings.add(query.line, "limit without order by: which rows come is left to chance");
        });
}

void sql_quotes(const Subject& subject, Findings& findings) {
    for (const auto& query : queries_of(subject)) {
        const auto text = subject.script().text_of(*query.text);
        for (auto at = text ? text->find("= \"") : std::string::npos; at != std::string::npos;
             at = text->find("= \"", at + 1)) {
            const auto end = text->find('"', at + 3);
            const bool column =
                end != std::string::npos && end + 1 < text->size() && (*text)[end + 1] == '.';
            if (!column)
                findings.add(query.line, "double quotes name a column in SQL; a text has single ones");
        }
    }
}

// ("select … \"%s\""):format(name:gsub('"', '""')): a name, quoted as SQL wants it.
bool is_quoted_name(const Node& value) {
    return value.form == Form::method && value.text == "gsub" && value.parts.size() == 3 &&
           value.parts[1].text == "\"" && value.parts[2].text == "\"\"";
}

bool begins_like_sql(const Script& script, const Node& node) {
    const Node* first = &script.meant(node);
    while (first->form == Form::binary && first->text == "..")
        first = &script.meant(first->parts[0]);
    const auto words = words_of(plain_sql(first->text).substr(0, 40));
    static const std::set<std::string> begins = { "select", "with",   "insert",
                                                  "update", "delete", "values" };
    return first->form == Form::text && words.size() > 1 && begins.contains(words[0]);
}

// Whether a text is put together from what is not known beforehand.
bool is_built(const Script& script, const Node& node) {
    const auto& told = script.meant(node);
    const bool format = (told.form == Form::method && told.text == "format") ||
                        (told.form == Form::call && dotted(told.parts[0]) == "string.format");
    const std::size_t first = told.form == Form::call ? 2 : 1;
    if (format && told.parts.size() > first)
        return std::any_of(
            told.parts.begin() + static_cast<long>(first), told.parts.end(), [&](const Node& value) {
                const auto& known = script.meant(value);
                return !is_quoted_name(known) && known.form != Form::number && !script.text_of(known);
            });
    return told.form == Form::binary && told.text == ".." && !script.text_of(told);
}

void sql_built(const Subject& subject, Findings& findings) {
    const auto& script = subject.script();
    for (const auto& query : queries_of(subject)) {
        const auto& told = script.meant(*query.text);
        const Node& beginning = told.form == Form::method                          ? told.parts[0]
                                : told.form == Form::call && told.parts.size() > 1 ? told.parts[1]
                                                                                   : told;
        if (is_built(script, *query.text) && begins_like_sql(script, beginning))
            findings.add(query.line, "the query is put together from what comes from outside");
    }
}

} // namespace

const Rules& sql_rules() {
    static const Rules rules = {
        { .name = "sql-built",
          .files = scripts,
          .wrong = "A query is put together with .. or format from values: one with a quote in it "
                   "breaks or changes it.",
          .cure = "write ? in the query and give the value in with = { … }",
          .look = sql_built },
        { .name = "sql-writes",
          .files = scripts,
          .wrong = "A query that is no reading one, such as insert, update and delete.",
          .cure = "change rows with respawn.write",
          .look = sql_that_writes },
        { .name = "sql-placeholders",
          .files = scripts,
          .wrong = "A query has another number of ? than values are given.",
          .cure = "give one value for each ?, in their order",
          .look = sql_placeholders },
        { .name = "sql-several",
          .files = scripts,
          .wrong = "Several statements in one query.",
          .cure = "make a call for each",
          .look = sql_several },
        { .name = "sql-null",
          .files = scripts,
          .wrong = "`= null` in a query, which is never true.",
          .cure = "write is null, or is not null",
          .look = sql_null },
        { .name = "sql-clock",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "A clock or chance in a query: what was planned, run and resumed would differ.",
          .cure = "give respawn.now() as a value",
          .look = sql_clock },
        { .name = "sql-order",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "limit without order by.",
          .cure = "write order by, with a key that tells all rows apart",
          .look = sql_order },
        { .name = "sql-quotes",
          .severity = Severity::warning,
          .files = scripts,
          .wrong = "A text in double quotes in a query.",
          .cure = "use single quotes, or ? and a value",
          .look = sql_quotes },
    };
    return rules;
}

} // namespace respawn::lint
