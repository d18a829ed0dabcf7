// What of a dump acts by itself: kept as definitions, as a backup of the live database has them.
#include "base/text.h"
#include "component/dump_reader.h"

#include <algorithm>
#include <fmt/format.h>

namespace respawn::component {

using database::MariadbTables;

namespace {

constexpr std::size_t most_bytes_of_objects = 32 << 20;
constexpr std::string_view before_the_kind[] = { "or",      "replace", "algorithm", "undefined",
                                                 "merge",   "sql",     "security",  "temptable",
                                                 "invoker", "=",       "aggregate" };
constexpr std::string_view kinds_of_objects[] = { "view",      "trigger", "event",       "function",
                                                  "procedure", "package", "package body" };

bool is_object(std::string_view kind) {
    return std::ranges::find(kinds_of_objects, kind) != std::end(kinds_of_objects);
}

} // namespace

// DEFINER=`user`@`host`, root@localhost, CURRENT_USER()
Result<void> DumpReader::pass_definer() {
    if (!TRY(skip("=")))
        return {};
    TRY(pass_one());
    if (TRY(skip("@")) || token_->kind == DumpToken::Kind::variable)
        return pass_one();
    return TRY(skip("(")) ? must(")") : Result<void>();
}

// The word that says what is created, or dropped; behind it.
Result<std::string> DumpReader::kind_of_object() {
    const bool is_word = token_->kind == DumpToken::Kind::word;
    auto kind = is_word ? token_->name : "";
    if (!is_word || kind.size() > 20)
        return refused();
    TRY(go_on());
    if (kind == "package" && TRY(skip("body")))
        kind += " body";
    return kind == "schema" ? "database" : kind;
}

Result<void> DumpReader::take_create() {
    for (bool more = true; more;) {
        more = std::ranges::any_of(before_the_kind,
                                   [&](std::string_view word) { return token_->is(word); });
        if (more)
            TRY(go_on());
        else if ((more = TRY(skip("definer"))))
            TRY(pass_definer());
    }
    const auto kind = TRY(kind_of_object());
    if (TRY(skip("if"))) {
        TRY(must("not"));
        TRY(must("exists"));
    }
    if (kind == "database")
        return take_defaults();
    if (kind == "table")
        return create_table();
    if (kind == "sequence")
        return create_sequence();
    return is_object(kind) ? create_object(kind) : refused("CREATE " + printable(kind));
}

// A function of the server's file system (CREATE FUNCTION x RETURNS … SONAME) has no parameters.
Result<void> DumpReader::must_be_of(const std::string& kind, ServerObject& object) {
    if (kind == "function" || kind == "procedure")
        return token_->is("(") ? Result<void>() : refused("a " + kind + " without parameters");
    if (kind == "event")
        return must("on");
    if (kind == "view")
        return token_->is("(") ? Result<void>() : must("as");
    if (kind != "trigger")
        return {};
    TRY(pass_one()); // before
    TRY(pass_one()); // insert
    TRY(must("on"));
    object.table = TRY(as_utf8(TRY(own_name()), "the name of a table"));
    return {};
}

Result<void> DumpReader::create_object(const std::string& kind) {
    if (!is_wanted_)
        return pass_statement();
    ServerObject object{ .kind = kind };
    object.name = TRY(as_utf8(TRY(own_name()), "a name"));
    TRY(must_be_of(kind, object));
    while (!token_->ends())
        TRY(go_on());
    object.create = TRY(as_utf8(text_.statement(true), "the definition of " + printable(object.name)));
    object.client_charset = settings_.charset();
    object.connection_collation = settings_.collation();
    if (kind != "view") {
        object.sql_mode = settings_.sql_mode();
        object.database_collation = defaults_[here_.empty() ? content_.database : here_].second;
    }
    if (kind == "event")
        object.time_zone = settings_.value("time_zone");
    bytes_of_objects_ += object.create.size() + object.name.size();
    if (bytes_of_objects_ > most_bytes_of_objects || ++names_ > most_names)
        return refused("so many definitions");
    forget(kind, object.name);
    content_.objects.push_back(std::move(object));
    return {};
}

void DumpReader::forget(const std::string& kind, const std::string& name) {
    std::erase_if(content_.objects, [&](const ServerObject& object) {
        return object.kind == kind && object.name == name;
    });
}

Result<void> DumpReader::take_drop() {
    const auto kind = TRY(kind_of_object());
    if (TRY(skip("if")))
        TRY(must("exists"));
    const auto dropped = TRY(kind == "database" ? name() : own_name());
    TRY(must_end());
    if (!is_wanted_ || kind == "database")
        return {};
    const auto known = TRY(as_utf8(dropped, "a name"));
    if (is_object(kind))
        return forget(kind, known), Result<void>();
    if (kind != "table" && kind != "sequence")
        return refused("DROP " + printable(kind));
    content_.rows.erase(known);
    return run({ .sql = fmt::format("drop {} if exists {}", kind, MariadbTables::quoted(dropped)),
                 .task = "drop the " + kind,
                 .subject = dropped,
                 .line = first_line_ });
}

} // namespace respawn::component
