#!/bin/sh
# What runs none of the project's code: formatting, sizes, vet, generated files, types.
set -eu
cd "$(dirname "$0")/.."
step() { echo "== $*" >&2; }

step formatting
unformatted=$(gofmt -l scripts server shared wasm)
[ -z "$unformatted" ] || { echo "gofmt would change: $unformatted" >&2; exit 1; }

step the size of the core
size=$(gzip -9nc build/core.wasm | wc -c)
[ "$size" -le "$(cat scripts/core-budget)" ] || { echo "the core takes $size bytes compressed; scripts/core-budget allows $(cat scripts/core-budget)" >&2; exit 1; }

step vet
go vet ./...
GOOS=wasip1 GOARCH=wasm go vet ./shared/... ./wasm/...

step generated files
generated() { git ls-files -s -- '*_gen.go' '*_gen.ts' docs/subjects.md; cat $(git ls-files -- '*_gen.go' '*_gen.ts' docs/subjects.md) | sha256sum; }
before=$(generated)
go generate ./...
after=$(generated)
[ "$before" = "$after" ] || { echo "generated files were out of date: commit what \"make generate\" wrote" >&2; exit 1; }

step the extension\'s types
scripts/npm.sh
(cd extension && npx --no-install tsc --noEmit)
