#!/usr/bin/env bash
# A text as Markdown that shows it as it is: markdown.sh FILE BYTES. The fence is longer than any in the text, which is
# made of other people's code; what goes beyond BYTES is left out by whole lines.
set -uo pipefail

export LC_ALL=C # names of files may be no text
longest=$(grep -ao '```*' "$1" | awk 'length > n { n = length } END { print n + 0 }')
fence='```'
while [ "$longest" -ge "${#fence}" ]; do fence+='`'; done
echo "${fence}text"
awk -v most="$2" '{ n += length($0) + 1 } n > most { print "... (cut off here)"; exit } { print }' "$1"
echo "$fence"
