// Between Lua and Value. Tables whose keys are 1, 2, 3 … are lists, tables with texts for keys are
// maps; an empty table is a map, or a list where a list is asked for. Nothing else can be passed on.
//
// Three kinds of userdata: symbols (symbols.cpp), blobs, and respawn.null, which stands for a null in a
// list or an argument; in a map from the host a null is simply not there.
#pragma once

#include "base/value.h"
#include "worker/lua.h"

#include <optional>
#include <string>
#include <string_view>

namespace respawn::worker {

void push(lua_State* L, const Value& value);
// Raises a Lua error that names the place ("changes[2].set.gold is a function …"); `name` is what the
// value at `index` is called.
Value to_value(lua_State* L, int index, std::string_view name);
// Raises unless the table holds nothing but what to_value takes. Size does not matter.
void must_be_plain(lua_State* L, int index, std::string_view name);

void push_text(lua_State* L, std::string_view text);
// A string that is there; numbers are not converted.
std::string_view text_at(lua_State* L, int index);
// As tostring() shows it, without calling any __tostring and without addresses.
std::string plain_text(lua_State* L, int index);

void push_null(lua_State* L);
bool is_null(lua_State* L, int index);
void push_blob(lua_State* L, std::string_view bytes);
std::optional<std::string_view> blob_at(lua_State* L, int index);

// The error a primitive ended with: a table with kind, what, on, why and fix that prints as one line.
[[noreturn]] void raise_host_error(lua_State* L, const Value& error);
bool is_host_error(lua_State* L, int index);
Value host_error(lua_State* L, int index);

// Makes the metatables of blobs and of the host's errors.
void prepare_values(lua_State* L);

} // namespace respawn::worker
