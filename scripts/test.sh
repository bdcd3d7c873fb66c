#!/bin/sh
# Everything, as CI runs it.
set -eu
cd "$(dirname "$0")/.."
step() { echo "== $*" >&2; }

scripts/deps.sh
scripts/build.sh
scripts/static.sh

# A story in Chromium waits for half of its time. What needs no browser gets what is left of the machine then, and yields whenever a
# story wants it.
setsid nice -n 19 scripts/browserless.sh &
browserless=$!
trap 'kill -- "-$browserless" 2>/dev/null || :' EXIT
trap 'exit 130' INT TERM

# A story needs a core for the browser and one for all else; Firefox comes too late beside others.
step Chromium
cd extension
failed=
node --test --test-concurrency="$(( ($(nproc) + 1) / 2 ))" $(ls test/*.test.mjs | grep -v firefox) || failed='Chromium'
wait "$browserless" || failed="${failed:+$failed, and }what needs no browser"
trap - EXIT INT TERM
[ -z "$failed" ] || { echo "== failed: $failed" >&2; exit 1; }

step Firefox
node --test --test-concurrency=1 test/firefox*.test.mjs
