// A symbol stands for what is not known yet: a dry run's "the snapshot this backup would make", or
// "now". A script may keep one and pass it on. Whatever else it does with one is told to the host,
// which ends the run there; two things Lua does not let us see: `==` between a symbol and something of
// another type is false, and a symbol is true in a condition.
#pragma once

#include "worker/lua.h"

#include <string>
#include <string_view>

namespace respawn::worker {

void push_symbol(lua_State* L, std::string_view name);
bool is_symbol(lua_State* L, int index);
std::string symbol_name(lua_State* L, int index);

// Tells the host that the script computes with the symbol at `index`. Does not come back.
[[noreturn]] void computed(lua_State* L, int index);
// computed() when one of the arguments first … last is a symbol.
void refuse_symbols(lua_State* L, int first, int last);

// Makes the metatable of symbols.
void prepare_symbols(lua_State* L);

} // namespace respawn::worker
