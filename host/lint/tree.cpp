#include "lint/tree.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace respawn::lint {

namespace {

constexpr int most_nested = 150; // calls of this parser within each other

struct Priority {
    int left, right; // a right one that is less binds to the right
};
const std::map<std::string_view, Priority> priorities = {
    { "or", { 1, 1 } },  { "and", { 2, 2 } }, { "<", { 3, 3 } },    { ">", { 3, 3 } },
    { "<=", { 3, 3 } },  { ">=", { 3, 3 } },  { "~=", { 3, 3 } },   { "==", { 3, 3 } },
    { "|", { 4, 4 } },   { "~", { 5, 5 } },   { "&", { 6, 6 } },    { "<<", { 7, 7 } },
    { ">>", { 7, 7 } },  { "..", { 9, 8 } },  { "+", { 10, 10 } },  { "-", { 10, 10 } },
    { "*", { 11, 11 } }, { "/", { 11, 11 } }, { "//", { 11, 11 } }, { "%", { 11, 11 } },
    { "^", { 14, 13 } },
};
constexpr int unary_priority = 12;

class Parser {
  public:
    explicit Parser(std::string_view source) : lexer_(source) { token_ = lexer_.next(); }

    Tree read() {
        Tree tree{ .root = block(), .comments = {}, .fault = {} };
        if (token_.kind != TokenKind::end)
            unexpected("the end of the file");
        tree.comments = lexer_.comments();
        tree.fault = lexer_.fault() ? lexer_.fault() : fault_;
        return tree;
    }

  private:
    // One level of nesting; where there are too many, everything ends.
    class Level {
      public:
        explicit Level(Parser& parser) : parser_(parser) {
            if (++parser_.nested_ > most_nested)
                parser_.too_deep();
        }
        ~Level() { --parser_.nested_; }
        Level(const Level&) = delete;
        Level& operator=(const Level&) = delete;

      private:
        Parser& parser_;
    };

    void fail(int line, std::string why, std::string cure) {
        if (!fault_ && !lexer_.fault())
            fault_ = Fault{ line, std::move(why), std::move(cure) };
        failed_ = true;
        token_ = Token{ .line = line }; // all loops end at the end
        ahead_.reset();
    }
    void too_deep() {
        fail(token_.line, "this is nested too deeply to be read",
             "take parts of it out into functions");
    }
    std::string found() const {
        return token_.kind == TokenKind::end
                   ? "the file ends"
                   : fmt::format("'{}' stands here", printable(token_.text.substr(0, 40)));
    }
    void unexpected(std::string_view wanted, int opened_at = 0) {
        const auto since = opened_at > 0 && opened_at != token_.line
                               ? fmt::format(" (for what begins in line {})", opened_at)
                               : std::string();
        fail(token_.line, fmt::format("{} where {}{} should come", found(), wanted, since),
             fmt::format("write {}", wanted));
    }

    const Token& ahead() {
        if (!ahead_)
            ahead_ = failed_ ? Token{ .line = token_.line } : lexer_.next();
        return *ahead_;
    }
    Token take() {
        auto taken = std::move(token_);
        token_ = Token{ .line = taken.line };
        if (ahead_)
            token_ = *std::exchange(ahead_, std::nullopt);
        else if (!failed_)
            token_ = lexer_.next();
        return taken;
    }
    bool takes(std::string_view word) {
        const bool there = token_.is(word);
        if (there)
            take();
        return there;
    }
    void expect(std::string_view word, int opened_at = 0) {
        if (!takes(word))
            unexpected(fmt::format("'{}'", word), opened_at);
    }
    std::string take_name() {
        if (token_.kind == TokenKind::name)
            return take().text;
        unexpected("a name");
        return "";
    }

    Node made(Form form, int line, std::string text = {}, std::vector<Node> parts = {}) {
        Node node{ .form = form, .line = line, .text = std::move(text), .parts = std::move(parts) };
        for (const auto& part : node.parts)
            node.levels = std::max(node.levels, part.levels + 1);
        if (node.levels > most_levels) {
            too_deep();
            return Node{ .form = form, .line = line };
        }
        return node;
    }
    template <class... Parts> std::vector<Node> parts(Parts... each) {
        std::vector<Node> all;
        (all.push_back(std::move(each)), ...);
        return all;
    }

    // ---- statements ----

    bool block_ends() const {
        return token_.kind == TokenKind::end || token_.is("end") || token_.is("else") ||
               token_.is("elseif") || token_.is("until");
    }
    Node block() {
        const Level level(*this);
        const auto line = token_.line;
        std::vector<Node> statements;
        while (!block_ends()) {
            if (takes(";"))
                continue;
            const bool last = token_.is("return");
            statements.push_back(statement());
            if (last)
                break;
        }
        return made(Form::block, line, {}, std::move(statements));
    }

    Node statement() {
        using Reader = Node (Parser::*)();
        static const std::map<std::string_view, Reader> readers = {
            { "if", &Parser::condition },       { "while", &Parser::while_loop },
            { "do", &Parser::do_block },        { "for", &Parser::for_loop },
            { "repeat", &Parser::repeat_loop }, { "function", &Parser::function_statement },
            { "local", &Parser::local },        { "return", &Parser::leave },
            { "break", &Parser::stop },         { "goto", &Parser::jump },
            { "::", &Parser::label },
        };
        const Level level(*this);
        const bool word = token_.kind == TokenKind::keyword || token_.kind == TokenKind::symbol;
        const auto reader = word ? readers.find(token_.text) : readers.end();
        return reader == readers.end() ? expression_statement() : (this->*reader->second)();
    }

    Node condition() {
        const auto line = take().line;
        std::vector<Node> all;
        all.push_back(expression());
        expect("then", line);
        all.push_back(block());
        while (takes("elseif")) {
            all.push_back(expression());
            expect("then", line);
            all.push_back(block());
        }
        if (takes("else"))
            all.push_back(block());
        expect("end", line);
        return made(Form::condition, line, {}, std::move(all));
    }
    Node while_loop() {
        const auto line = take().line;
        auto until = expression();
        expect("do", line);
        auto body = block();
        expect("end", line);
        return made(Form::repetition, line, "while", parts(std::move(until), std::move(body)));
    }
    Node repeat_loop() {
        const auto line = take().line;
        auto body = block();
        expect("until", line);
        auto until = expression();
        return made(Form::repetition, line, "repeat", parts(std::move(until), std::move(body)));
    }
    Node do_block() {
        const auto line = take().line;
        auto body = block();
        expect("end", line);
        return body;
    }
    Node for_loop() {
        const auto line = take().line;
        auto names = name_list();
        const bool numeric = token_.is("=");
        if (numeric)
            take();
        else
            expect("in", line);
        auto values = expressions();
        expect("do", line);
        auto body = block();
        expect("end", line);
        return made(Form::loop, line, numeric ? "=" : "in",
                    parts(std::move(names), std::move(values), std::move(body)));
    }
    // function a.b:c() is an assignment; a method has `self` before its parameters.
    Node function_statement() {
        const auto line = take().line;
        auto target = made(Form::name, token_.line, take_name());
        bool method = false;
        while (!method && (token_.is(".") || token_.is(":"))) {
            method = take().is(":");
            auto key = made(Form::text, token_.line, take_name());
            target = made(Form::index, key.line, {}, parts(std::move(target), std::move(key)));
        }
        auto body = function_body(line, method);
        return made(Form::assign, line, {},
                    parts(made(Form::list, line, {}, parts(std::move(target))),
                          made(Form::list, line, {}, parts(std::move(body)))));
    }
    Node local() {
        const auto line = take().line;
        if (takes("function")) {
            auto name = made(Form::name, token_.line, take_name());
            auto body = function_body(line, false);
            return made(Form::local, line, "function",
                        parts(made(Form::list, line, {}, parts(std::move(name))),
                              made(Form::list, line, {}, parts(std::move(body)))));
        }
        std::string attributes;
        std::vector<Node> names;
        do {
            names.push_back(made(Form::name, token_.line, take_name()));
            if (takes("<")) {
                attributes += token_.text == "close" ? "close" : "";
                take_name();
                expect(">");
            }
        } while (takes(","));
        auto values = takes("=") ? expressions() : made(Form::list, line);
        return made(Form::local, line, attributes,
                    parts(made(Form::list, line, {}, std::move(names)), std::move(values)));
    }
    Node leave() {
        const auto line = take().line;
        std::vector<Node> values;
        if (!block_ends() && !token_.is(";"))
            values = std::move(expressions().parts);
        takes(";");
        if (!block_ends())
            fail(token_.line, fmt::format("{} behind return, which ends its block", found()),
                 "take out what follows return, or put return into do … end");
        return made(Form::leave, line, {}, std::move(values));
    }
    Node stop() { return made(Form::stop, take().line); }
    Node jump() {
        const auto line = take().line;
        return made(Form::jump, line, take_name());
    }
    Node label() {
        const auto line = take().line;
        auto node = made(Form::label, line, take_name());
        expect("::", line);
        return node;
    }
    Node expression_statement() {
        const auto line = token_.line;
        auto first = suffixed();
        if (!token_.is("=") && !token_.is(",")) {
            if (first.form != Form::call && first.form != Form::method)
                fail(line, "this computes something and does nothing with it",
                     "call a function, or assign it");
            return made(Form::statement, line, {}, parts(std::move(first)));
        }
        std::vector<Node> targets;
        targets.push_back(std::move(first));
        while (takes(","))
            targets.push_back(suffixed());
        expect("=", line);
        for (const auto& target : targets)
            if (target.form != Form::name && target.form != Form::index)
                fail(line, "this cannot be assigned to", "assign to a name or to a field");
        auto values = expressions();
        return made(Form::assign, line, {},
                    parts(made(Form::list, line, {}, std::move(targets)), std::move(values)));
    }

    // ---- expressions ----

    Node name_list() {
        const auto line = token_.line;
        std::vector<Node> names;
        do
            names.push_back(made(Form::name, token_.line, take_name()));
        while (takes(","));
        return made(Form::list, line, {}, std::move(names));
    }
    Node expressions() {
        const auto line = token_.line;
        std::vector<Node> values;
        do
            values.push_back(expression());
        while (takes(","));
        return made(Form::list, line, {}, std::move(values));
    }
    bool is_operator() const {
        return token_.kind == TokenKind::symbol || token_.kind == TokenKind::keyword;
    }
    Node expression(int limit = 0) {
        const Level level(*this);
        auto left = operand();
        for (auto found = priorities.find(token_.text);
             is_operator() && found != priorities.end() && found->second.left > limit;
             found = priorities.find(token_.text)) {
            const auto word = take();
            auto right = expression(found->second.right);
            left = made(Form::binary, word.line, word.text, parts(std::move(left), std::move(right)));
        }
        return left;
    }
    Node operand() {
        if (token_.is("not") || token_.is("-") || token_.is("#") || token_.is("~")) {
            const auto word = take();
            return made(Form::unary, word.line, word.text, parts(expression(unary_priority)));
        }
        return simple();
    }
    Node simple() {
        const auto line = token_.line;
        if (token_.kind == TokenKind::number)
            return made(Form::number, line, take().text);
        if (token_.kind == TokenKind::text)
            return made(Form::text, line, take().text);
        if (token_.is("true") || token_.is("false"))
            return made(Form::truth, line, take().text);
        if (takes("nil"))
            return made(Form::nil, line);
        if (takes("..."))
            return made(Form::varargs, line);
        if (token_.is("{"))
            return table();
        if (takes("function"))
            return function_body(line, false);
        return suffixed();
    }
    Node primary() {
        const auto line = token_.line;
        if (takes("(")) {
            auto inner = expression();
            expect(")", line);
            inner.enclosed = true;
            return inner;
        }
        if (token_.kind != TokenKind::name) {
            unexpected("a value");
            return made(Form::nil, line);
        }
        return made(Form::name, line, take().text);
    }
    Node suffixed() {
        auto node = primary();
        while (!failed_) {
            const auto line = token_.line;
            if (takes(".")) {
                auto key = made(Form::text, token_.line, take_name());
                node = made(Form::index, line, {}, parts(std::move(node), std::move(key)));
            } else if (takes("[")) {
                auto key = expression();
                expect("]", line);
                node = made(Form::index, line, {}, parts(std::move(node), std::move(key)));
            } else if (takes(":")) {
                auto name = take_name();
                node = made(Form::method, line, std::move(name), arguments(std::move(node)));
            } else if (token_.is("(") || token_.is("{") || token_.kind == TokenKind::text) {
                node = made(Form::call, line, {}, arguments(std::move(node)));
            } else {
                break;
            }
        }
        return node;
    }
    std::vector<Node> arguments(Node first) {
        std::vector<Node> all;
        all.push_back(std::move(first));
        const auto line = token_.line;
        if (token_.kind == TokenKind::text) {
            all.push_back(made(Form::text, line, take().text));
        } else if (token_.is("{")) {
            all.push_back(table());
        } else if (takes("(")) {
            if (!token_.is(")"))
                for (auto& value : expressions().parts)
                    all.push_back(std::move(value));
            expect(")", line);
        } else {
            unexpected("the arguments of a call");
        }
        return all;
    }
    Node table() {
        const Level level(*this);
        const auto line = take().line;
        std::vector<Node> items;
        while (!token_.is("}") && token_.kind != TokenKind::end) {
            items.push_back(item());
            if (!takes(",") && !takes(";"))
                break;
        }
        expect("}", line);
        return made(Form::table, line, {}, std::move(items));
    }
    Node item() {
        const auto line = token_.line;
        if (takes("[")) {
            auto key = expression();
            expect("]", line);
            expect("=", line);
            return made(Form::keyed, line, {}, parts(std::move(key), expression()));
        }
        if (token_.kind == TokenKind::name && ahead().is("=")) {
            auto key = take().text;
            take();
            return made(Form::named, line, std::move(key), parts(expression()));
        }
        return made(Form::item, line, {}, parts(expression()));
    }
    Node function_body(int line, bool method) {
        std::vector<Node> names;
        if (method)
            names.push_back(made(Form::name, line, "self"));
        expect("(", line);
        while (token_.kind != TokenKind::end && !token_.is(")")) {
            const auto at = token_.line;
            const bool rest = takes("...");
            names.push_back(rest ? made(Form::varargs, at) : made(Form::name, at, take_name()));
            if (rest || !takes(","))
                break;
        }
        expect(")", line);
        auto body = block();
        expect("end", line);
        return made(Form::function, line, {},
                    parts(made(Form::list, line, {}, std::move(names)), std::move(body)));
    }

    Lexer lexer_;
    Token token_;
    std::optional<Token> ahead_;
    std::optional<Fault> fault_;
    bool failed_ = false;
    int nested_ = 0;
};

} // namespace

Tree read_tree(std::string_view source) { return Parser(source).read(); }

void each(const Node& node, const std::function<bool(const Node&)>& look) {
    if (!look(node))
        return;
    for (const auto& part : node.parts)
        each(part, look);
}

bool same(const Node& left, const Node& right) {
    return left.form == right.form && left.text == right.text &&
           std::equal(left.parts.begin(), left.parts.end(), right.parts.begin(), right.parts.end(),
                      same);
}

} // namespace respawn::lint
