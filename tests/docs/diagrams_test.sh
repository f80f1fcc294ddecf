#!/usr/bin/env bash
# Each picture of docs/ was drawn from its source as it is now: tests/docs/diagrams_test.sh
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../../docs"
status=0
for source in *.dot; do
  if ! grep -q "source $(sha256sum "$source" | cut -c1-64)" "${source%.dot}.svg"; then
    echo "docs/${source%.dot}.svg is not drawn from docs/$source as it is: run scripts/diagrams" >&2
    status=1
  fi
done
exit "$status"
