#!/bin/sh
# Runs every Go benchmark once and writes the figures as a table and as bench.json.
set -eu
cd "$(dirname "$0")/.."
go test -run '^$' -bench . -benchmem ./shared/... | tee build/bench.txt
go run ./scripts/benchjson <build/bench.txt >bench.json
echo "bench.json written" >&2
