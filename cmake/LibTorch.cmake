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
# and runtime library, of the toolkit or beside the wheel; without them there are no graphs.
if(NOT EXISTS ${cmkd_torch_prefix}/include/ATen/accelerator/Graph.h)
  file(GLOB cmkd_cuda_wheels ${cmkd_torch_prefix}/../nvidia/cu* ${cmkd_torch_prefix}/../nvidia/cuda_runtime)
  set(cmkd_cuda_places $ENV{CUDA_HOME} /usr/local/cuda ${cmkd_cuda_wheels})
  find_path(CMKD_CUDA_INCLUDE_DIR cuda_runtime_api.h HINTS ${cmkd_cuda_places} PATH_SUFFIXES include)
  find_library(CMKD_CUDART_LIBRARY NAMES cudart libcudart.so.13 libcudart.so.12 HINTS ${cmkd_cuda_places} PATH_SUFFIXES lib64 lib)
endif()
