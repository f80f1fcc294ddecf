# Every library that this project uses, found once. scripts/setup installs them on Debian and Ubuntu.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Boost 1.74 REQUIRED COMPONENTS program_options)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_path(TOMLPLUSPLUS_INCLUDE_DIR toml++/toml.h REQUIRED)

if(CMKD_FFMPEG)
  pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET
                    libavformat>=59 libavcodec>=59 libavutil>=57 libswscale>=6 libswresample>=4)
endif()

include(LibTorch)

if(CMKD_TESTS)
  find_package(Catch2 REQUIRED)
endif()
if(CMKD_BENCH)
  find_package(benchmark REQUIRED)
endif()
