# ccache for every compile, when it is there and the caller named no launcher of his own.
#   base_dir and hash_dir let two checkouts of this repository share their results; the sloppiness is what ccache asks
#   for before it will cache a compile that uses a precompiled header.
if(CMAKE_CXX_COMPILER_LAUNCHER)
  return()
endif()
find_program(CCACHE_PROGRAM ccache)
if(NOT CCACHE_PROGRAM)
  return()
endif()
set(cmkd_ccache ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros)
set(CMAKE_CXX_COMPILER_LAUNCHER ${cmkd_ccache} CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE_PROGRAM})
# clang's precompiled header names the files of its checkout and serves no other: not shared, nor what is compiled with it.
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  set(CMKD_PCH_LAUNCHER ${cmkd_ccache} CCACHE_BASEDIR= ${CCACHE_PROGRAM})
endif()
