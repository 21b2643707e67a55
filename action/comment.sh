#!/usr/bin/env bash
# What action.yml runs after check.sh where comments are wanted: the report LRFIX_REPORT as one comment of the pull
# request LRFIX_PULL, which the next run writes anew. Where nothing is found, there is a comment only if there was one.
# Its status is 0 whatever happens: a comment is no reason for a job to fail.
set -uo pipefail

mark='<!-- lrfix -->'
repository="repos/$GITHUB_REPOSITORY"
comments="$repository/issues/$LRFIX_PULL/comments"
body=$(mktemp)
trap 'rm -f "$body"' EXIT

give_up() {
  echo "::warning title=lrfix::No comment: it needs gh and the permission pull-requests: write, which a fork's run has not"
  exit 0
}

# Of its own comments alone: whoever may write here may write over other people's.
own=".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$mark\"))) | .id"
known=$(gh api --paginate "$comments?per_page=100" --jq "$own") || give_up
known=${known%%$'\n'*}

if [ "${LRFIX_STATUS:-0}" != 0 ] || grep -qs '"ruleId"' "$LRFIX_SARIF"; then
  {
    echo "$mark"
    echo '### lrfix'
    # A comment has room for 65536 characters.
    if [ -s "$LRFIX_REPORT" ]; then bash "$(dirname "$0")/markdown.sh" "$LRFIX_REPORT" 60000; fi
    echo
    echo "[The run]($GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID) has all of it."
  } >"$body"
elif [ -n "$known" ]; then
  printf '%s\n' "$mark" '### lrfix' 'Nothing is found any more.' >"$body"
else
  exit 0
fi

if [ -n "$known" ]; then
  gh api --method PATCH "$repository/issues/comments/$known" -F "body=@$body" >/dev/null || give_up
else
  gh api --method POST "$comments" -F "body=@$body" >/dev/null || give_up
fi
