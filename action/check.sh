#!/usr/bin/env bash
# What action.yml runs: lrfix on the files that a pull request changes, or on LRFIX_PATHS. Writes LRFIX_SARIF, and for
# people the report with its curves to LRFIX_REPORT and GITHUB_STEP_SUMMARY. Its status is that of lrfix.
set -uo pipefail

sarif=${LRFIX_SARIF:-lrfix.sarif}
files=()
if [ -n "${LRFIX_BASE:-}" ]; then
  while IFS= read -r -d '' file; do files+=("$file"); done < <(
    git diff --name-only --diff-filter=d -z "$LRFIX_BASE...HEAD" -- '*.py' '*.ipynb'
  )
  if [ ${#files[@]} -eq 0 ]; then
    echo "no Python file or notebook has changed"
    # Code scanning wants a report all the same.
    exec lrfix check --output-format sarif - </dev/null >"$sarif"
  fi
else
  while IFS= read -r file; do [ -z "$file" ] || files+=("$file"); done <<<"${LRFIX_PATHS:-.}"
fi

lrfix check --force-exclude --output-format sarif -- "${files[@]}" >"$sarif"
status=$?
report=${LRFIX_REPORT:-${sarif%.sarif}.txt}
lrfix check --force-exclude --exit-zero --color never -- "${files[@]}" >"$report"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  { echo '### lrfix'; bash "$(dirname "$0")/markdown.sh" "$report" 1000000; } >>"$GITHUB_STEP_SUMMARY"
fi
exit "$status"
