#!/usr/bin/env bash
# Follows docs/adding-a-baseline.md literally: runs the commands of its ```sh blocks, in order, in a copy of this source
# tree, and looks for the new method's row. Some minutes: it builds and trains.   tests/docs/adding_a_baseline.sh [KEEP]
#   KEEP: a folder for the copy, left behind (default: a temporary one, removed at the end).
set -euo pipefail
unset CDPATH
source_tree=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
if [[ $# -gt 0 ]]; then
  mkdir -p -- "$1"
  scratch=$(cd -- "$1" && pwd)
else
  scratch=$(mktemp -d)
  trap 'rm -rf -- "$scratch"' EXIT
fi
tree=$scratch/cmkd

# The tree as it stands, uncommitted changes included, without what is built in it.
git -C "$source_tree" ls-files -z --cached --others --exclude-standard |
  (cd -- "$source_tree" && xargs -0 -r ls -d -- 2>/dev/null || true) >"$scratch/files"
mkdir -p -- "$tree"
tar -C "$source_tree" -cf - -T "$scratch/files" | tar -C "$tree" -xf -
[[ -e $source_tree/.venv ]] && ln -sfn -- "$source_tree/.venv" "$tree/.venv"

awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$tree/docs/adding-a-baseline.md" >"$scratch/commands.sh"
[[ -s $scratch/commands.sh ]] || { echo "the page has no commands" >&2; exit 1; }

cd -- "$tree"
bash -euxo pipefail "$scratch/commands.sh" | tee "$scratch/output"

# The suite is called cosine, too: the row is told by its method, and counts only with a value of its metric.
build/release/apps/cmkd report cosine.toml --format csv >"$scratch/report.csv"
rows=$(grep -cE ',cosine,cosine,.*,top1,[01]\.[0-9]+,' "$scratch/report.csv") || rows=0
seeds=$(sed -nE 's/^seeds = ([0-9]+).*/\1/p' cosine.toml)
if [[ $rows != "$seeds" ]]; then
  echo "the method 'cosine' has $rows results in the report, not one for each of $seeds seeds" >&2
  exit 1
fi
echo "the method 'cosine' has its row: $rows of $seeds seeds"
