#!/bin/sh
# Runs every fuzz target for a while each. What it finds is written below testdata/fuzz of the
# package, and fails in every later test.
# usage: fuzz.sh [SECONDS]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-30}
grep -rl --include='*_test.go' '^func Fuzz' scripts server shared wasm | xargs -n1 dirname | sort -u | while read -r folder; do
	for target in $(grep -h '^func Fuzz' "$folder"/*_test.go | sed 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/'); do
		echo "== $folder $target" >&2
		go test -run "^$" -fuzz "^$target\$" -fuzztime "${seconds}s" -fuzzminimizetime 2s "./$folder" </dev/null
	done
done
