#!/bin/sh
# Builds the program and the core, and writes what of others is in the program beside it. The same sources give the same
# bytes in any folder, by the same Go.
set -eu
cd "$(dirname "$0")/.."
. scripts/toolchain.sh
mkdir -p build
flags="-trimpath -buildvcs=false"
CGO_ENABLED=0 go build $flags -ldflags "-s -w -buildid=" -o build/khien ./server/cmd/khien
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build $flags -buildmode=c-shared -ldflags "-s -w -buildid=" -o build/core.wasm ./wasm
go run ./scripts/notices build
