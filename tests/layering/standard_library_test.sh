#!/usr/bin/env bash
# standard_library_test.sh PROGRAM: the C++ standard library stands before LibTorch's libraries among those that a program
# loads, so that none of what they export of their own is taken for it (cmake/LibTorch.cmake says why).
set -euo pipefail
needed=$(readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]$/\1/p')
before=$(sed '/^libtorch\|^libc10/,$d' <<<"$needed")
[[ $needed == *libtorch* ]] || {
  echo "$1 loads no LibTorch" >&2
  exit 1
}
grep -q '^libstdc++' <<<"$before" || {
  printf 'libstdc++ does not stand before LibTorch in %s:\n%s\n' "$1" "$needed" >&2
  exit 1
}
