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

# Files of a room are compiled five at a time: most of the time that a file takes goes into what its headers
# bring, and a full build takes two thirds of the time. So what stands in nameless namespaces has a name of its
# own in the room; but for files that are alike on purpose (a driver beside another), which the room names as
# ALIKE. `./dev check` compiles every file by itself.
set(files_at_once 5)
function(compile_together target)
  if(NOT RESPAWN_SEPARATE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${files_at_once})
    set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
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
  cmake_parse_arguments(ROOM "" "" "HOUSE;LIBRARIES;HEADERS;ALIKE" ${ARGN})
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
  list(TRANSFORM ROOM_ALIKE PREPEND ${name}/)
  compile_together(${name} ${ROOM_ALIKE})
endfunction()

# tests(vault LIBRARIES vault): tests/vault/*.cpp make one program, each TEST_CASE one ctest test. FIXTURES: what
# has to run meanwhile.
function(tests name)
  cmake_parse_arguments(TESTS "" "" "LIBRARIES;FIXTURES;ALIKE" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp)
  add_executable(test_${name} ${sources})
  target_include_directories(test_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(test_${name} PRIVATE ${TESTS_LIBRARIES} Catch2::Catch2WithMain)
  target_precompile_headers(test_${name} REUSE_FROM test_headers)
  list(TRANSFORM TESTS_ALIKE PREPEND ${name}/)
  compile_together(test_${name} ${TESTS_ALIKE})
  catch_discover_tests(test_${name} TEST_PREFIX "${name}: " PROPERTIES LABELS ${name} TIMEOUT ${test_timeout}
                       FIXTURES_REQUIRED "${TESTS_FIXTURES}")
endfunction()
