#!/usr/bin/env bash
# liblinear brings libblas, which defines sgemm_ and more as LibTorch does, and the first library that defines a name
# serves it to all. A program's own libraries come before those that they bring; so LibTorch's must be the program's own,
# and libblas must not: else all matrix products would be another library's, many times slower, with other bytes.
#   blas_order_test.sh PROGRAM
set -euo pipefail
needed=$(readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
if ! grep -q '^libtorch_cpu\.so' <<<"$needed"; then
  echo "$1 does not name libtorch_cpu.so itself" >&2
  exit 1
fi
if grep -qE '^(libblas|libopenblas|libcblas|libmkl_rt|libblis|libatlas)' <<<"$needed"; then
  echo "$1 names a BLAS of its own beside LibTorch's:" "$needed" >&2
  exit 1
fi
