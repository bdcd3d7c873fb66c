#!/bin/sh
# Bundles the extension for both browsers with the set that the data directory publishes now.
# usage: extension.sh DATA SERVER
set -eu
cd "$(dirname "$0")/.."
scripts/npm.sh
build/khien init --demo --data "$1" >&2
go run ./scripts/bundle --out build/extension --server "$2" --data "$1" --core build/core.wasm
