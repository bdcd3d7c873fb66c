#!/bin/sh
# Measures everything beside its peers: natively, as wasm on the engine of Chromium, and in
# Chromium. Writes a table to standard output and the figures to bench.json. Takes some ten
# minutes; the figures of a machine that does something else meanwhile are worth little.
# usage: bench.sh [ENTRIES]
set -eu
cd "$(dirname "$0")/.."
n=${1:-1000000}
scripts/deps.sh
scripts/npm.sh
say() { echo "== $*" >&2; }
go build -o build/bench ./scripts/bench
GOOS=wasip1 GOARCH=wasm go build -o build/bench.wasm ./scripts/bench
lines=build/bench.jsonl
: >"$lines"
size=$(gzip -9nc build/core.wasm | wc -c)
printf '{"name":"core/gzip-bytes","n":1,"value":%s,"unit":"bytes","bound":%s}\n' "$size" "$(cat scripts/core-budget)" >>"$lines"
say natively, with peers
for m in 100000 "$n" 5000000; do build/bench measure "$m" >>"$lines"; done
say as wasm
node extension/bench/wasm.mjs build/bench.wasm measure "$n" >>"$lines"
say peers in JavaScript
node --expose-gc extension/bench/peers.mjs "$n" >>"$lines"
say names, beside a detector
build/bench trial build/trial.json
node extension/bench/names.mjs build/trial.json >build/trial-peer.json
build/bench names build/trial-peer.json >>"$lines"
say lists that come in, as claims and as they were imported
for m in "$n" 5000000; do build/bench lists build/khien "$m" >>"$lines"; done
say publishing, on one core
GOMAXPROCS=1 go test -run '^$' -bench Publish -benchtime 1x -timeout 20m ./server/publish | awk '/^BenchmarkPublish/ {
	for (i = 3; i < NF; i += 2) v[$(i+1)] = $i
	printf "{\"name\":\"publish/time\",\"n\":1000000,\"value\":%s,\"unit\":\"s\",\"bound\":5}\n", v["sec/publish"]
	printf "{\"name\":\"publish/memory\",\"n\":1000000,\"value\":%s,\"unit\":\"bytes\",\"bound\":300000000}\n", v["peak-bytes"]
}' >>"$lines"
say what is published, from the shelf: proven once, and what the proof costs
go test -run '^$' -bench Shelf ./server/publish | awk '/^BenchmarkShelf/ {
	name = $1
	sub("^BenchmarkShelf/", "", name)
	sub("-[0-9]+$", "", name)
	first = sub("/first=true$", "/first", name)
	sub("/first=false$", "", name)
	printf "{\"name\":\"shelf/%s\",\"n\":1,\"value\":%s,\"unit\":\"ns\",\"bound\":%s}\n", name, $3, first ? 0 : 100000
}' >>"$lines"
say every public page, from the bytes of a GET to those of the answer
go test -run '^$' -bench Page ./server/httpd | awk '/^BenchmarkPage/ {
	name = $1
	sub("^BenchmarkPage/", "", name)
	sub("-[0-9]+$", "", name)
	printf "{\"name\":\"page%s\",\"n\":1,\"value\":%s,\"unit\":\"ns\",\"bound\":100000}\n", name, $3
}' >>"$lines"
say every page of the console, of a million reports and a hundred thousand open cases
go test -run '^$' -bench Large -benchtime 1x -timeout 60m ./server/console | awk '/^BenchmarkLarge/ {
	name = $1
	sub("^BenchmarkLarge/", "", name)
	sub("-[0-9]+$", "", name)
	for (i = 3; i < NF; i += 2) if ($(i+1) == "ms")
		printf "{\"name\":\"console%s\",\"n\":1000000,\"value\":%s,\"unit\":\"ms\",\"bound\":100}\n", name, $i
}' >>"$lines"
say in Chromium
(cd extension && node bench/chromium.mjs "$n") >>"$lines"
(cd extension && node bench/feed.mjs) >>"$lines"
say the way to a warning
(cd extension && node bench/warning.mjs) >>"$lines"
say every page of the extension
(cd extension && node bench/pages.mjs 100000 10) >>"$lines"
build/bench table bench.json <"$lines"
echo "bench.json written" >&2
