#!/usr/bin/env bash
# What scripts/gpu-check says where something is missing or changed: no stage begins. And what it unpacks.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT

# refused TEXT ARGUMENT...: the script ends with status 4 and says TEXT.
refused() {
  local expected=$1 status=0 said
  shift
  said=$(scripts/gpu-check --device cpu --out "$folder/out" "$@" 2>&1) || status=$?
  [[ $status == 4 && $said == *"$expected"* ]] && return
  printf 'status %s, said:\n%s\nwanted: status 4 and "%s"\n' "$status" "$said" "$expected" >&2
  exit 1
}

refused "holds no carried files" --carried "$folder/none"
mkdir "$folder/carried"
echo content >"$folder/carried/some.deb"
digest=$(sha256sum "$folder/carried/some.deb" | cut -c1-64)
echo "{\"files\": {\"some.deb\": \"$digest\", \"other.deb\": \"$digest\"}}" >"$folder/carried/manifest.json"
refused "other.deb is missing" --carried "$folder/carried"
echo changed >"$folder/carried/other.deb"
refused "other.deb in" --carried "$folder/carried"
refused "unknown stage 'nothing'" --carried "$folder/carried" --stages nothing
[[ ! -e $folder/out ]] || {
  echo "something was written before the refusal" >&2
  exit 1
}

# A checkout in which nothing was built yet, and files that were carried elsewhere.
if command -v dpkg-deb >/dev/null; then
  mkdir -p "$folder/clone/scripts" "$folder/clone/tests" "$folder/package/DEBIAN" "$folder/package/usr/include" "$folder/clips"
  cp scripts/gpu-check "$folder/clone/scripts/"
  cp -r tests/gpu "$folder/clone/tests/"
  printf 'Package: some\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: some\n' \
    >"$folder/package/DEBIAN/control"
  echo header >"$folder/package/usr/include/some.h"
  dpkg-deb --root-owner-group -b "$folder/package" "$folder/carried/some.deb" >/dev/null
  echo clip >"$folder/clips/clip"
  python3 -c 'import shutil, sys; shutil.make_archive(sys.argv[1], "xztar", sys.argv[2])' "$folder/carried/cache" "$folder/clips"
  python3 - "$folder" <<'END'
import importlib.machinery, importlib.util, os, sys

folder = sys.argv[1]
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("gpu_check", os.path.join(folder, "clone/scripts/gpu-check"))
check = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu_check", loader))
loader.exec_module(check)
prefix = check.unpack(os.path.join(folder, "carried"), ["some.deb", "cache.tar.xz"])
assert open(os.path.join(prefix, "usr/include/some.h")).read() == "header\n"
assert open(os.path.join(folder, "clone/build/gpu-check/cache/clip")).read() == "clip\n"
END
fi
