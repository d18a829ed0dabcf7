-- What runbooks and their modules are given (docs/runbooks.md). Globals are read-only; everything else is local.
std = {
   read_globals = {
      "_VERSION", "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal",
      "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall",
      "_G",
      string = { fields = {
         "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize", "rep",
         "reverse", "sub", "unpack", "upper",
      } },
      table = { fields = { "concat", "insert", "move", "pack", "remove", "sort", "unpack" } },
      math = { fields = {
         "abs", "acos", "asin", "atan", "ceil", "cos", "deg", "exp", "floor", "fmod", "huge", "log", "max",
         "maxinteger", "min", "mininteger", "modf", "pi", "rad", "random", "sin", "sqrt", "tan", "tointeger", "type",
         "ult",
      } },
      utf8 = { fields = { "char", "charpattern", "codepoint", "codes", "len", "offset" } },
   },
}
max_line_length = 150
-- A phase is given `case` whether it needs it or not.
unused_args = false

-- Tests have what stdlib/testing gives them besides.
files["**/*_test.lua"] = { read_globals = { "test", "same", "fails", "world", "crash_everywhere", "now", "set_time", "advance", "tx_hash", "address" } }
