# Who may include whom, tried with the compiler on the include folders that each target really has.
set(layering_dir ${CMAKE_CURRENT_SOURCE_DIR}/layering)
set(layering_build ${CMAKE_CURRENT_BINARY_DIR}/layering)
set(layering_torch_free core media metrics results reports)
file(STRINGS ${layering_dir}/allowed.txt layering_lines REGEX "^[a-z]+:")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${layering_dir}/allowed.txt)
list(TRANSFORM layering_lines REPLACE ":.*" "" OUTPUT_VARIABLE layering_folders)

cmkd_test(layering DEPS core)

# layering_syntax_test(NAME FOLDER SOURCE): compiles SOURCE as if it stood in FOLDER.
function(layering_syntax_test name folder source)
  add_test(NAME ${name} COMMAND ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only @${layering_build}/${folder}.args ${source})
  set_tests_properties(${name} PROPERTIES ENVIRONMENT LC_ALL=C TIMEOUT 120)
endfunction()

# One line of allowed.txt as a source file that compiles only if it is true: what is allowed is there, the rest is not.
foreach(line IN LISTS layering_lines)
  string(REGEX REPLACE ":.*" "" folder ${line})
  if(NOT TARGET cmkd_${folder})
    continue()
  endif()
  string(REGEX REPLACE "^[a-z]+: *" "" allowed "${line}")
  string(REPLACE " " ";" allowed "${allowed};${folder}")
  set(text "// Made by tests/layering/tests.cmake from allowed.txt.\n")
  foreach(other IN LISTS layering_folders)
    file(GLOB headers RELATIVE ${CMAKE_SOURCE_DIR}/${other}/include
         ${CMAKE_SOURCE_DIR}/${other}/include/cmkd/${other}/*.h)
    if(NOT headers OR NOT TARGET cmkd_${other})
      continue()
    endif()
    list(GET headers 0 header)
    if(other IN_LIST allowed)
      string(APPEND text "#if !__has_include(\"${header}\")\n#error ${folder} should see ${other}\n#endif\n")
    else()
      string(APPEND text "#if __has_include(\"${header}\")\n#error ${folder} must not see ${other}\n#endif\n")
    endif()
  endforeach()
  if(folder IN_LIST layering_torch_free)
    string(APPEND text "#if __has_include(<ATen/core/Tensor.h>)\n#error ${folder} must not see LibTorch\n#endif\n")
  else()
    string(APPEND text "#if !__has_include(<ATen/core/Tensor.h>)\n#error ${folder} should see LibTorch\n#endif\n")
  endif()
  file(GENERATE OUTPUT ${layering_build}/${folder}.cpp CONTENT "${text}")
  # The compiler searches /usr/include by itself; named by -I it would come before the C++ library's own headers.
  set(includes "$<FILTER:$<TARGET_PROPERTY:cmkd_${folder},INCLUDE_DIRECTORIES>,EXCLUDE,^/usr/include$>")
  file(GENERATE OUTPUT ${layering_build}/${folder}.args CONTENT "$<$<BOOL:${includes}>:-I\"$<JOIN:${includes},\"\n-I\">\"\n>")
  layering_syntax_test(layering_sees_${folder} ${folder} ${layering_build}/${folder}.cpp)
endforeach()

# layering_pair(BELOW ABOVE NAME HEADER): the same file, whose include ends the compile in BELOW with exactly that header
# not found, compiles in ABOVE: so a misspelt name cannot pass for a refusal.
function(layering_pair below above name header)
  if(NOT TARGET cmkd_${below} OR NOT TARGET cmkd_${above})
    return()
  endif()
  layering_syntax_test(layering_${below}_cannot_include_${name} ${below} ${layering_dir}/cases/includes_${name}.cpp)
  set_tests_properties(layering_${below}_cannot_include_${name} PROPERTIES
    PASS_REGULAR_EXPRESSION "fatal error: '?${header}(: No such file|' file not found)")
  layering_syntax_test(layering_${above}_can_include_${name} ${above} ${layering_dir}/cases/includes_${name}.cpp)
endfunction()

layering_pair(core results results cmkd/results/store.h)
layering_pair(metrics runtime libtorch ATen/core/Tensor.h)
