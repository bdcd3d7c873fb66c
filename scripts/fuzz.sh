#!/bin/sh
# Runs every fuzz target for a while each, those of the extension too, and goes on where one fails. What a target of Go
# finds is written below testdata/fuzz of its package, and fails in every later test; one of the extension names the
# seed that finds it again.
# usage: fuzz.sh [SECONDS]; fuzz.sh list names the targets
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
failed=
for folder in $(grep -rl --include='*_test.go' '^func Fuzz' scripts server shared wasm | xargs -n1 dirname | sort -u); do
	for target in $(grep -h '^func Fuzz' "$folder"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/'); do
		[ "$seconds" != list ] || { echo "$folder $target"; continue; }
		echo "== $folder $target" >&2
		go test -run "^$" -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 2s "./$folder" </dev/null || failed="$failed $folder/$target"
	done
done
for file in $(cd extension && grep -l 'env\.SECONDS' test/*.test.mjs); do
	[ "$seconds" != list ] || { echo "extension $file"; continue; }
	[ -e build/khien ] && [ -e build/core.wasm ] || scripts/build.sh
	scripts/npm.sh
	echo "== extension $file" >&2
	(cd extension && SECONDS=$seconds node --test "$file") || failed="$failed extension/$file"
done
[ -z "$failed" ] || { echo "== failed:$failed" >&2; exit 1; }
