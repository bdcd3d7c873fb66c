#!/bin/sh
# The tests that need no browser.
set -eu
cd "$(dirname "$0")/.."
step() { echo "== $*" >&2; }

step native tests
go test ./...

step 'a release, and the same bytes from its sources'
scripts/reproduce.sh

step the same tests inside wasm
mkdir -p build/bin
go build -o build/bin/wazero github.com/tetratelabs/wazero/cmd/wazero
PATH="$PWD/build/bin:$(go env GOROOT)/lib/wasm:$PATH" GOWASIRUNTIME=wazero GOOS=wasip1 GOARCH=wasm \
	go test -short ./shared/... ./wasm/...

step race detector
CGO_ENABLED=1 go test -race -short ./server/... ./shared/release/... ./shared/checker/... ./wasm/...
