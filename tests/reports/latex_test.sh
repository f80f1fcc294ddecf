#!/usr/bin/env bash
# Compiles the approved LaTeX reports with every TeX of this machine. Exit status 77 where there is none.
#   latex_test.sh FOLDER_WITH_TEX_FILES
set -euo pipefail

engines=()
for engine in pdflatex xelatex lualatex; do
  if command -v "$engine" >/dev/null && command -v kpsewhich >/dev/null && kpsewhich booktabs.sty >/dev/null; then
    engines+=("$engine")
  fi
done
if [[ ${#engines[@]} == 0 ]]; then
  echo "skipped: no TeX with booktabs (Debian's texlive-latex-recommended)"
  exit 77
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for file in "$1"/*.tex; do
  cp "$file" "$folder/table.tex"
  printf '%s\n' '\documentclass{article}' '\usepackage{booktabs}' '\usepackage[margin=1cm,landscape]{geometry}' \
    '\begin{document}' '\input{table.tex}' '\end{document}' >"$folder/page.tex"
  for engine in "${engines[@]}"; do
    if (cd "$folder" && "$engine" -halt-on-error -interaction=nonstopmode page.tex >"$engine.log" 2>&1) && [[ -s $folder/page.pdf ]]; then
      echo "ok: $(basename "$file") with $engine"
    else
      grep -n -A4 '^!' "$folder/$engine.log" || tail -20 "$folder/$engine.log"
      echo "FAILED: $(basename "$file") with $engine"
      exit 1
    fi
  done
done
