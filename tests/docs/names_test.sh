#!/usr/bin/env bash
# What README and docs/ name is there: folders and files of the tree, links, and the program's commands.
#   tests/docs/names_test.sh CMKD
set -euo pipefail
cmkd=$1
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
status=0
complain() {
  echo "$1" >&2
  status=1
}
pages=(README.md CONTRIBUTING.md docs/*.md docs/methods/*.md)

# Links to files, from the page's own folder.
while IFS=: read -r page link; do
  [[ $link == http* || $link == '#'* || $link == *' '* ]] && continue  # with a space: code
  [[ -e $(dirname -- "$page")/${link%%#*} ]] || complain "$page links to $link, which is not there"
done < <(grep -oH '](\([^)]*\))' "${pages[@]}" | sed 's/:](/:/; s/)$//')

# `folder/…` in code, where the first part is a folder of the tree. A file that a page tells to make ends with "my_…" or "cosine".
folders=$(git ls-files | cut -d/ -f1 | sort -u | paste -sd'|')
while IFS=: read -r page name; do
  [[ $name == *[*…\ \$\<{]* || $name == *cosine* || $name == *NAME* || $name == *my_* ]] && continue
  [[ -e ${name%/} ]] || complain "$page names $name, which is not there"
done < <(grep -oHE "\`($folders)/[^\`]*\`" "${pages[@]}" | sed 's/`//g')

# `cmkd COMMAND`.
commands=$("$cmkd" --help | grep -oE '^ +[a-z]+ ' | tr -d ' ')
while IFS=: read -r page name; do
  grep -qx -- "$name" <<<"$commands" || complain "$page names the command 'cmkd $name', which is not there"
done < <(grep -oHE '(`|^|/)cmkd [a-z]+' "${pages[@]}" | sed -E 's/:(`|\/)?cmkd /:/' | sort -u)
exit "$status"
