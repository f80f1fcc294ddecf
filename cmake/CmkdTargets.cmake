# Compile options of the whole project, and the functions by which each folder declares its library and its tests.
add_library(cmkd_options INTERFACE)
target_compile_options(cmkd_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow $<$<BOOL:${CMKD_WERROR}>:-Werror>)
if(CMKD_SANITIZE)
  target_compile_options(cmkd_options INTERFACE -fsanitize=${CMKD_SANITIZE} -fno-sanitize-recover=undefined
                                                -fno-omit-frame-pointer)
  target_link_options(cmkd_options INTERFACE -fsanitize=${CMKD_SANITIZE})
  # With sanitizers GCC sees uninitialised values in the standard library's own std::function (its manual warns of it).
  target_compile_options(cmkd_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
endif()
# GCC 12 warns of overlapping copies in std::string's operator+ where there are none (GCC bug 105329).
target_compile_options(cmkd_options INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
# GCC 13 and newer take a reference that a function returns for one to a temporary among its arguments, whichever of them
# it is a reference to (GCC bug 107532 and others): json_member(document, "name", place()) is none. Optimising, they see
# uninitialised members in an empty std::optional that is never read (GCC bug 80635).
set(cmkd_gcc_13 $<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,13>>)
target_compile_options(cmkd_options INTERFACE $<${cmkd_gcc_13}:-Wno-dangling-reference>
                                              $<${cmkd_gcc_13}:-Wno-maybe-uninitialized>)
target_link_libraries(cmkd_options INTERFACE fmt::fmt)

# cmkd_library(NAME [TORCH] SOURCES folder... DEPS folder... LIBS target... PRIVATE_LIBS target...)
#   A folder's static library cmkd_NAME from its *.cpp and those of the SOURCES below it, with headers in
#   include/cmkd/NAME.
#   DEPS are the folders below it that it may include; TORCH gives it LibTorch and the shared precompiled header.
function(cmkd_library name)
  cmkd_add_archive(cmkd_${name} ${name} ${ARGN})
endfunction()

# cmkd_add_archive(TARGET NAME …): cmkd_library under another name of the target.
function(cmkd_add_archive target name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPS;LIBS;PRIVATE_LIBS" ${ARGN})
  list(TRANSFORM ARG_SOURCES REPLACE "(.+)" "${CMAKE_CURRENT_SOURCE_DIR}/\\1/*.cpp")
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp ${ARG_SOURCES})
  if(NOT sources)
    message(FATAL_ERROR "${name}/ has no source file")
  endif()
  add_library(${target} STATIC ${sources})
  target_include_directories(${target} PUBLIC include)
  list(TRANSFORM ARG_DEPS PREPEND cmkd_)
  target_link_libraries(${target} PUBLIC ${ARG_DEPS} ${ARG_LIBS} PRIVATE cmkd_options ${ARG_PRIVATE_LIBS})
  target_link_libraries(${target} PUBLIC fmt::fmt)
  if(ARG_TORCH)
    target_link_libraries(${target} PUBLIC ${TORCH_LIBRARIES})
    cmkd_use_precompiled_header(${target})
  endif()
endfunction()

# cmkd_registering_library(NAME …): as cmkd_library, for a folder whose files register themselves by being linked.
#   A linker takes from a static library only what is asked for, and nobody asks for a registration object by name; so
#   every program that links cmkd_NAME, directly or through another folder, gets the whole of its archive, the target
#   cmkd_NAME_archive. (Not $<TARGET_OBJECTS>: in a unity build CMake 3.28 names objects that nobody makes.)
function(cmkd_registering_library name)
  cmkd_add_archive(cmkd_${name}_archive ${name} ${ARGN})
  add_library(cmkd_${name} INTERFACE)
  target_link_libraries(cmkd_${name} INTERFACE $<LINK_LIBRARY:WHOLE_ARCHIVE,cmkd_${name}_archive>)
endfunction()

# One precompiled header for every target that defines modules, owned by cmkd_runtime.
function(cmkd_use_precompiled_header target)
  if(CMKD_SANITIZE OR CMKD_NO_PCH)
    return()
  endif()
  # ccache can cache a compile that uses a precompiled header only when the preprocessor names the header in its output
  # (GCC) or the header carries no time of its own (clang).
  target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>
                                           "$<$<CXX_COMPILER_ID:Clang>:SHELL:-Xclang -fno-pch-timestamp>")
  if(CMKD_PCH_LAUNCHER)
    set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER "${CMKD_PCH_LAUNCHER}")
  endif()
  if(target STREQUAL cmkd_runtime)
    # Tensors and modules, and no more: with all of <torch/nn.h> a unit that has no layer of its own took half as long again.
    target_precompile_headers(cmkd_runtime PRIVATE <ATen/ATen.h> <torch/nn/module.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM cmkd_runtime)
  endif()
endfunction()

# cmkd_test(FOLDER [TORCH] [SECONDS n] DEPS folder... LIBS target...)
#   The test program test_FOLDER from tests/FOLDER/*.cpp, run by ctest. SECONDS: about how long it takes on one core, for
#   those of minutes: ctest starts the longest first, so that no core waits for it at the end.
function(cmkd_test folder)
  cmake_parse_arguments(ARG "TORCH" "SECONDS" "DEPS;LIBS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources})
  list(TRANSFORM ARG_DEPS PREPEND cmkd_)
  target_link_libraries(test_${folder} PRIVATE ${ARG_DEPS} ${ARG_LIBS} cmkd_options cmkd_test_support)
  if(ARG_TORCH)
    cmkd_use_precompiled_header(test_${folder})
  endif()
  add_test(NAME ${folder} COMMAND test_${folder})
  # Ends what hangs, and nothing else: some times what the longest takes on a slow machine that has other work.
  set(limit_s 1800)
  if(CMKD_SANITIZE)
    set(limit_s 6000)
  endif()
  set_tests_properties(${folder} PROPERTIES TIMEOUT ${limit_s} SKIP_RETURN_CODE 77)
  if(ARG_SECONDS)
    set_tests_properties(${folder} PROPERTIES COST ${ARG_SECONDS})
  endif()
endfunction()
