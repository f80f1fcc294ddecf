# Every library that this project uses, found once. scripts/setup installs them on Debian and Ubuntu.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
# LibTorch's wheel brings headers of another fmt beside its own. A folder of fmt's alone stands in front of all others, so
# that the whole program has the one whose library it links. (Header-only, each translation unit would compile it anew.)
get_target_property(cmkd_fmt_headers fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
list(GET cmkd_fmt_headers 0 cmkd_fmt_headers)
if(NOT EXISTS ${cmkd_fmt_headers}/fmt/format.h)
  message(FATAL_ERROR "fmt's CMake package names '${cmkd_fmt_headers}' as the folder of its headers, and fmt/format.h is not there")
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/fmt_headers)
file(CREATE_LINK ${cmkd_fmt_headers}/fmt ${CMAKE_BINARY_DIR}/fmt_headers/fmt SYMBOLIC)
include_directories(BEFORE SYSTEM ${CMAKE_BINARY_DIR}/fmt_headers)
find_package(nlohmann_json REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
find_package(PNG 1.6 REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

# Linear SVMs (BSD-3-clause, compatible with this project's licence; linked, not copied). It has no configuration file
# of its own, and its header's name is short: the version tells it from another linear.h.
# It brings a BLAS, which must stay behind LibTorch's own (tests/probes/blas_order_test.sh): link no BLAS beside it.
find_path(LIBLINEAR_INCLUDE_DIR linear.h PATH_SUFFIXES liblinear)
find_library(LIBLINEAR_LIBRARY linear)
if(LIBLINEAR_INCLUDE_DIR)
  file(STRINGS ${LIBLINEAR_INCLUDE_DIR}/linear.h LIBLINEAR_VERSION_LINE REGEX "#define LIBLINEAR_VERSION [0-9]+")
endif()
if(NOT LIBLINEAR_LIBRARY OR NOT LIBLINEAR_VERSION_LINE)
  message(FATAL_ERROR "liblinear was not found. Install it (Debian: liblinear-dev; scripts/setup does it), or name it "
                      "with -DLIBLINEAR_INCLUDE_DIR=… (the folder of linear.h) and -DLIBLINEAR_LIBRARY=…")
endif()
add_library(Liblinear::liblinear UNKNOWN IMPORTED)
set_target_properties(Liblinear::liblinear PROPERTIES IMPORTED_LOCATION ${LIBLINEAR_LIBRARY}
                                                      INTERFACE_INCLUDE_DIRECTORIES ${LIBLINEAR_INCLUDE_DIR})

if(CMKD_FFMPEG)
  pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET
                    libavformat>=59 libavcodec>=59 libavutil>=57 libswscale>=6 libswresample>=4)
endif()

# Prepared frames (UCF51, ActivityNet): on where the library is. By pkg-config, because FindHDF5 needs the language C.
pkg_search_module(HDF5 QUIET IMPORTED_TARGET hdf5 hdf5-serial)
if(NOT HDF5_FOUND)
  set(HDF5_FOUND OFF)
endif()
option(CMKD_HDF5 "Read prepared frames from HDF5 files" ${HDF5_FOUND})
if(CMKD_HDF5 AND NOT HDF5_FOUND)
  message(FATAL_ERROR "CMKD_HDF5 is ON, but libhdf5 for C was not found. Install it (Debian: libhdf5-dev; scripts/setup "
                      "does it), or configure with -DCMKD_HDF5=OFF")
endif()

include(LibTorch)

if(CMKD_TESTS)
  find_package(Catch2 REQUIRED)
endif()
if(CMKD_BENCH)
  find_package(benchmark REQUIRED)
endif()
