#!/usr/bin/env bash
# docs/methods/ holds the page of each registered method as `cmkd describe METHOD --markdown` writes it now, an index of
# them, and nothing else; the page of a method that has a paper says where it differs from it.
#   tests/docs/method_pages_test.sh CMKD            CMKD_APPROVE=1 in front writes the pages anew
set -euo pipefail
cmkd=$(realpath -- "$1")
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
written=$(mktemp -d)
trap 'rm -rf -- "$written"' EXIT
status=0
complain() {
  echo "$1" >&2
  status=1
}

{
  echo "# Methods"
  echo
  echo "Written by \`CMKD_APPROVE=1 tests/docs/method_pages_test.sh\` from \`cmkd describe METHOD --markdown\`."
  echo
} >"$written/README.md"
for id in $("$cmkd" list methods | awk 'NR > 1 { print $1 }'); do
  "$cmkd" describe "$id" --markdown >"$written/$id.md"
  title=$(sed -n '1s/^# `[^`]*`: //p' "$written/$id.md")
  echo "- [$id]($id.md): $title" >>"$written/README.md"
  if grep -q '^Not stated\.$' "$written/$id.md"; then
    complain "$id has a paper, and the comment above its code has no paragraph that begins with 'Differs:'"
  fi
done

if [[ ${CMKD_APPROVE:-} == 1 ]]; then
  mkdir -p docs/methods
  rm -f docs/methods/*.md
  cp -- "$written"/*.md docs/methods/
  exit "$status"
fi
difference=$(diff -rq docs/methods "$written" 2>&1) || {
  complain "${difference//$written/what describe writes}"
  complain "write them anew: CMKD_APPROVE=1 tests/docs/method_pages_test.sh build/release/apps/cmkd"
}
exit "$status"
