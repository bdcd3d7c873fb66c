#!/bin/sh
# Everything that holds a promise. With KHIEN_WHOLE=1, as CI runs it, all of the long rows of cases too; otherwise a
# part of each.
set -eu
cd "$(dirname "$0")/.."
step() { echo "== $*" >&2; }
begun=$(date +%s)

scripts/deps.sh
scripts/build.sh
scripts/static.sh

rm -rf build/times && mkdir -p build/times
failed=
# stories NAME LANES FILES: so many files at once.
stories() {
	name=$1 lanes=$2
	shift 2
	step "$name"
	(cd extension && node --test --test-timeout=900000 --test-concurrency="$lanes" \
		--test-reporter=tap --test-reporter-destination=stdout \
		--test-reporter=./test/fixture/times.mjs --test-reporter-destination="../build/times/$name" \
		"$@") || failed="${failed:+$failed, }$name"
}

scripts/browserless.sh || failed='what needs no browser'
# The longest first, so that none is left alone at the end. Who fights and Firefox come too late beside others.
long='test/console-attacks.test.mjs test/console-pages.test.mjs test/interception.test.mjs test/screens.test.mjs'
stories Chromium "$(nproc)" $long $(cd extension && ls test/*.test.mjs | grep -v -e firefox -e fighters | grep -vxF "$(printf '%s\n' $long)")
stories fighters 1 test/fighters.test.mjs
stories Firefox 1 $(cd extension && ls test/firefox*.test.mjs)

step "the ten slowest, in seconds"
cat build/times/* | sort -rn | head -10 >&2
step "it took $(($(date +%s) - begun)) s"
[ -z "$failed" ] || { echo "== failed: $failed" >&2; exit 1; }
