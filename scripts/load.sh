#!/bin/sh
# Reports a second, then the same server killed again and again. With 1000 kills some four minutes.
# usage: load.sh KILLS
set -eu
cd "$(dirname "$0")/.."
go build -o build/load ./scripts/load
echo "== as many reports as it takes, for ten seconds" >&2
build/load --time 10s
echo "== killed $1 times at random moments" >&2
build/load --time 60ms --connections 64 --kills "$1"
