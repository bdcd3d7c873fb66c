#!/bin/sh
# Builds the program and the core. The same sources give the same bytes in any folder.
set -eu
cd "$(dirname "$0")/.."
mkdir -p build
flags="-trimpath -buildvcs=false"
CGO_ENABLED=0 go build $flags -ldflags "-s -w -buildid=" -o build/khien ./server/cmd/khien
GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build $flags -buildmode=c-shared -ldflags "-s -w -buildid=" -o build/core.wasm ./wasm
