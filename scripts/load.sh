#!/bin/sh
# Reports a second, the same server killed again and again, twenty times too much, ten thousand connections from one
# address, and a million invented reporters. With 1000 kills some nine minutes.
# usage: load.sh KILLS
set -eu
cd "$(dirname "$0")/.."
go build -o build/load ./scripts/load
echo "== as many reports as it takes, for ten seconds" >&2
build/load --time 10s
echo "== 8,000 reports a second, each counted from the moment it was due" >&2
build/load --time 20s --rate 8000
echo "== twenty times more than is wanted, without work, while people report" >&2
build/load --time 15s --overload 20
for of in appeals form pictures; do
	echo "== the same of $of" >&2
	build/load --time 15s --overload 20 --of $of
done
echo "== 8,300 idle connections from one address, and 2,000 that send ahead and don't read, while others ask" >&2
build/load --time 24s --idle 8300 --pipelined 2000
echo "== killed $1 times at random moments" >&2
build/load --time 60ms --connections 64 --kills "$1"
echo "== a million reports from invented reporters" >&2
build/load --flood 1000000
echo "== the same from 200 networks, while a dozen others report honestly" >&2
build/load --flood 1000000 --networks 200
echo "== 200,000 more, whose pages are all said to lead to the same places" >&2
build/load --flood 200000 --links
