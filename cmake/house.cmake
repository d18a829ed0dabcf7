# The house (docs/design.md): one static library per folder of host/. A library may include only those
# that it names here or that these name in turn; tests/house checks the includes as well.
#
#   room(vault HOUSE location crypto LIBRARIES PkgConfig::zstd HEADERS vault/vault.h)
#
# What nearly every file of a room includes is compiled once: the standard headers below and, where the room
# names them, its own HEADERS; that is a third of a full build. Every file still names what it includes: nothing
# here may be needed for it to compile.
set(house_headers <algorithm> <array> <charconv> <chrono> <cstdint> <cstring> <filesystem> <functional> <map> <memory>
    <mutex> <optional> <set> <string> <string_view> <unordered_map> <unordered_set> <variant> <vector> <fmt/format.h>)

function(house_headers)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/house_headers.cpp "")
  add_library(house_headers STATIC ${CMAKE_CURRENT_BINARY_DIR}/house_headers.cpp)
  target_link_libraries(house_headers PRIVATE fmt::fmt)
  target_precompile_headers(house_headers PRIVATE ${house_headers})
endfunction()

# precompile(cli/verb.h …): for the target, the standard headers and these; without these, what all share.
function(precompile target)
  if(NOT ARGN)
    target_precompile_headers(${target} REUSE_FROM house_headers)
    return()
  endif()
  list(TRANSFORM ARGN PREPEND "${CMAKE_SOURCE_DIR}/host/")
  target_precompile_headers(${target} PRIVATE ${house_headers} ${ARGN})
endfunction()

function(room name)
  cmake_parse_arguments(ROOM "" "" "HOUSE;LIBRARIES;HEADERS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp
       ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(NOT sources)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/host)
  target_link_libraries(${name} PUBLIC ${ROOM_HOUSE} PRIVATE ${ROOM_LIBRARIES})
  precompile(${name} ${ROOM_HEADERS})
endfunction()

# tests(vault LIBRARIES vault): tests/vault/*.cpp make one program, each TEST_CASE one ctest test. FIXTURES: what
# has to run meanwhile.
function(tests name)
  cmake_parse_arguments(TESTS "" "" "LIBRARIES;FIXTURES" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${TESTS_LIBRARIES} Catch2::Catch2WithMain)
  target_precompile_headers(test_${name} REUSE_FROM test_headers)
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " PROPERTIES LABELS ${name} TIMEOUT ${test_timeout}
                       FIXTURES_REQUIRED "${TESTS_FIXTURES}")
endfunction()
