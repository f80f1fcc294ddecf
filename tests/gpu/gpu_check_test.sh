#!/usr/bin/env bash
# What scripts/gpu-check says where something is missing or changed: no stage begins.
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
