#include "lint/script.h"

#include <catch2/catch.hpp>

using namespace respawn::lint;

namespace {

std::string fault_in(std::string_view text) {
    const auto tree = read_tree(text);
    return tree.fault ? tree.fault->why : "";
}

const Node& first_value(const Tree& tree) { return tree.root.parts[0].parts[0]; }

std::string text_in(std::string_view literal) {
    const auto tree = read_tree("return " + std::string(literal));
    REQUIRE(!tree.fault);
    return first_value(tree).text;
}

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i)
        text += part;
    return text;
}

} // namespace

TEST_CASE("texts stand for what Lua says they do") {
    REQUIRE(text_in(R"("a\n\65\x42\u{20ac}\z
        b\"")") == "a\nAB\xe2\x82\xac"
                   "b\"");
    REQUIRE(text_in("[==[\nx]]y]==]") == "x]]y");
    REQUIRE(text_in("'\\\n'") == "\n");
    REQUIRE(text_in("'\\u{7fffffff}'") == "\xfd\xbf\xbf\xbf\xbf\xbf");
}

TEST_CASE("operators bind as in Lua") {
    const auto bound = [](std::string_view left, std::string_view right) {
        return same(first_value(read_tree("return " + std::string(left))),
                    first_value(read_tree("return " + std::string(right))));
    };
    REQUIRE(bound("a + b * c", "a + (b * c)"));
    REQUIRE(bound("a .. b .. c", "a .. (b .. c)"));
    REQUIRE(bound("-a ^ b", "-(a ^ b)"));
    REQUIRE(bound("a ^ -b ^ c", "a ^ (-(b ^ c))"));
    REQUIRE(bound("not a == b", "(not a) == b"));
    REQUIRE(bound("a or b and c", "a or (b and c)"));
    REQUIRE(bound("a < b == c", "(a < b) == c"));
    REQUIRE(!bound("a - b - c", "a - (b - c)"));
}

TEST_CASE("what is no Lua is a fault with its line and a cure") {
    for (const auto& [text, line] : { std::pair{ "local a =\nlocal b", 2 },
                                      { "x = 'a\n'", 1 },
                                      { "\n\nif a then", 3 },
                                      { "return 1\nx = 2", 2 },
                                      { "a.b", 1 },
                                      { "f() = 1", 1 },
                                      { "x = 0x", 1 },
                                      { "x = 1e", 1 },
                                      { "x = 3a", 1 },
                                      { "--[[ open", 1 },
                                      { "x = \"\\q\"", 1 },
                                      { "x = \"\\u{110000000}\"", 1 },
                                      { "x != 1", 1 },
                                      { "for i in do end", 1 },
                                      { "x = }", 1 },
                                      { "goto", 1 },
                                      { "\x1bLua", 1 } }) {
        const auto tree = read_tree(text);
        INFO(text);
        REQUIRE(tree.fault);
        REQUIRE(tree.fault->line == line);
        REQUIRE(!tree.fault->cure.empty());
    }
}

TEST_CASE("all of Lua is read") {
    REQUIRE(fault_in("#!/usr/bin/lua\nlocal a <const>, b = 1, 2; ::top:: goto top") == "");
    REQUIRE(
        fault_in("for i = 1, 3, 2 do break end for k, v in pairs {} do end repeat local x until x") ==
        "");
    REQUIRE(fault_in("function a.b.c:d(...) return ... end return function() return end") == "");
    REQUIRE(
        fault_in("f 'x' { 1, [2] = 3; a = 4 } [[y]] :m(1)(2).z = ~a | b & c << 1 >> 2 // 3 % 4 ~ 5") ==
        "");
    REQUIRE(fault_in("x = 0xA.8p-1 + 3. + .5 + 1e+10 -- end") == "");
}

TEST_CASE("hostile depth and length end as a fault or a tree of bounded depth") {
    for (const auto& text :
         { "return " + repeated("(", 100000), "return " + repeated("not ", 100000) + "a",
           "x = " + repeated("{", 100000), repeated("do ", 100000),
           "return " + repeated("a..", 100000) + "a", "return a" + repeated(".b", 100000),
           "return a" + repeated("()", 100000), "return " + repeated("1+", 100000) + "1",
           repeated("if a then else", 50000) }) {
        const auto tree = read_tree(text);
        REQUIRE(tree.fault);
        REQUIRE(tree.root.levels <= most_levels);
    }
    REQUIRE(fault_in(repeated("local a = b\n", 50000)) == "");
}

TEST_CASE("names stand for the local that is visible, and for what it was declared as") {
    const Script script(
        "x", "local a = 'one'\nlocal function f(a) return a end\nlocal b = a\nreturn b, f, c\n");
    REQUIRE(!script.fault());
    const auto& values = script.root().parts.back().parts;
    REQUIRE(script.text_of(values[0]) == "one");
    REQUIRE(script.meant(values[1]).form == Form::function);
    REQUIRE(script.globals().size() == 1);
    REQUIRE(script.globals()[0].node->text == "c");
    REQUIRE(script.locals()[2].hides == &script.locals()[0]);
}

TEST_CASE("names that double each other take no time and no memory") {
    std::string text = "local a0 = ''\n";
    for (int i = 1; i < 150; ++i)
        text += "local a" + std::to_string(i) + " = a" + std::to_string(i - 1) + " .. a" +
                std::to_string(i - 1) + "\n";
    const Script script("x", text + "return a149\n");
    REQUIRE(!script.text_of(script.root().parts.back().parts[0]));
}
