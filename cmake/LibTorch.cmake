# LibTorch, found once: sets TORCH_LIBRARIES and TORCH_INSTALL_PREFIX.
#   scripts/find-torch states the order of places: Torch_DIR, CMAKE_PREFIX_PATH, python3's torch, .venv.
set(CMKD_TORCH_MINIMUM 2.11)

if(NOT EXISTS "${Torch_DIR}/TorchConfig.cmake")
  list(JOIN CMAKE_PREFIX_PATH ":" cmkd_prefixes)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env "CMAKE_PREFIX_PATH=${cmkd_prefixes}:$ENV{CMAKE_PREFIX_PATH}"
            ${CMAKE_CURRENT_LIST_DIR}/../scripts/find-torch
    OUTPUT_VARIABLE cmkd_torch_dir OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE cmkd_torch_missing)
  if(cmkd_torch_missing)
    message(FATAL_ERROR "LibTorch ${CMKD_TORCH_MINIMUM} or newer was not found.\n"
            "Run scripts/setup, which installs it into .venv, or give its folder: -DCMAKE_PREFIX_PATH=/path/to/libtorch")
  endif()
  unset(TORCH_LIBRARY CACHE)
  set(Torch_DIR ${cmkd_torch_dir} CACHE PATH "Folder of TorchConfig.cmake" FORCE)
  message(STATUS "LibTorch: ${Torch_DIR}")
endif()

# LibTorch's libraries hold and export pieces of another compiler's standard library (std::filesystem in libtorch_cpu.so;
# in libtorch.so of 2.11 with CUDA a remove_all that calls nothing). A program takes the first that it finds, so every
# program names its own standard library before them.
add_link_options("SHELL:-Wl,--push-state,--no-as-needed -lstdc++ -Wl,--pop-state")

get_filename_component(cmkd_torch_prefix ${Torch_DIR}/../../.. ABSOLUTE)
if(NOT EXISTS ${cmkd_torch_prefix}/lib/libtorch_cuda.so)
  find_package(Torch ${CMKD_TORCH_MINIMUM} REQUIRED)
  return()
endif()

# A CUDA build from pip brings the CUDA libraries but not the toolkit, without which TorchConfig.cmake ends with an
# error. This project includes no CUDA header but for one file's (below), so it needs no toolkit: the libraries are named
# here directly.
# --no-as-needed keeps libtorch_cuda.so, of which no symbol is used: loading it is what registers the device.
message(STATUS "LibTorch with CUDA: ${cmkd_torch_prefix}")
add_library(cmkd_torch INTERFACE IMPORTED)
set_target_properties(cmkd_torch PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES
    "${cmkd_torch_prefix}/include;${cmkd_torch_prefix}/include/torch/csrc/api/include")
set(cmkd_torch_lib ${cmkd_torch_prefix}/lib)
target_link_libraries(cmkd_torch INTERFACE
  "-Wl,--no-as-needed" ${cmkd_torch_lib}/libtorch_cuda.so "-Wl,--as-needed"
  ${cmkd_torch_lib}/libtorch.so ${cmkd_torch_lib}/libtorch_cpu.so
  ${cmkd_torch_lib}/libc10.so ${cmkd_torch_lib}/libc10_cuda.so)
# The CUDA libraries' own needs (the driver's libcuda.so.1, say) may be absent where this is only built.
target_link_options(cmkd_torch INTERFACE LINKER:--allow-shlib-undefined)
set(TORCH_LIBRARIES cmkd_torch)
set(TORCH_INSTALL_PREFIX ${cmkd_torch_prefix})

# LibTorch 2.12 and newer have graphs of any device (runtime/device_graph.cpp). Those of an older one need CUDA's headers
# and runtime library; without them there are no graphs. Those of the wheels come first, as they are of LibTorch's version;
# but most have no crt/, and then it takes a toolkit of that version.
if(NOT EXISTS ${cmkd_torch_prefix}/include/ATen/accelerator/Graph.h)
  file(GLOB cmkd_cuda_wheels ${cmkd_torch_prefix}/../nvidia/cu* ${cmkd_torch_prefix}/../nvidia/cuda_runtime)
  set(cmkd_cuda_places ${cmkd_cuda_wheels} $ENV{CUDA_HOME} /usr/local/cuda)
  find_path(CMKD_CUDA_INCLUDE_DIR crt/host_config.h HINTS ${cmkd_cuda_places} PATH_SUFFIXES include)
  find_library(CMKD_CUDART_LIBRARY NAMES cudart libcudart.so.13 libcudart.so.12 NAMES_PER_DIR HINTS ${cmkd_cuda_places}
               PATH_SUFFIXES lib64 lib)
  if(CMKD_CUDA_INCLUDE_DIR AND CMKD_CUDART_LIBRARY)
    file(STRINGS ${CMKD_CUDA_INCLUDE_DIR}/cuda_runtime_api.h cmkd_cuda REGEX "define CUDART_VERSION +[0-9]+")
    string(REGEX REPLACE ".*CUDART_VERSION +([0-9]+)[0-9][0-9][0-9].*" "\\1" cmkd_cuda "${cmkd_cuda}")
    set(cmkd_torch_cuda ${cmkd_cuda})
    if(EXISTS ${cmkd_torch_prefix}/version.py)  # a wheel's; the archives of LibTorch alone have none
      file(STRINGS ${cmkd_torch_prefix}/version.py cmkd_torch_cuda REGEX "^cuda.*'[0-9]+\\.")
      string(REGEX REPLACE ".*'([0-9]+)\\..*" "\\1" cmkd_torch_cuda "${cmkd_torch_cuda}")
    endif()
    if(cmkd_cuda STREQUAL cmkd_torch_cuda)
      set(CMKD_CUDA_HEADERS ON)
    endif()
  endif()
  if(NOT CMKD_CUDA_HEADERS)
    message(STATUS "No CUDA graphs: this LibTorch needs a CUDA toolkit of its version for them")
  endif()
endif()
