#!/bin/sh
# Makes a release for a server on this machine, unpacks its source zip in another folder, and rebuilds it there.
set -eu
cd "$(dirname "$0")/.."
. scripts/toolchain.sh
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
build/khien init --demo --data "$temp/data" >&2
go run ./scripts/bundle --stores "$temp/release" --local --out "$temp/extension" --server http://127.0.0.1:8787 --data "$temp/data" --core build/core.wasm
build/khien verify --data "$temp/data" --packages "$temp/release"
scripts/lint.sh "$temp/extension/firefox"
mkdir "$temp/else where"
unzip -q "$temp/release/"khien-*-source.zip -d "$temp/else where"
(cd "$temp/else where" && scripts/rebuild.sh)
for browser in chromium firefox; do
	cmp "$temp/release/"khien-*-$browser.zip "$temp/else where/build/extension/khien-$browser.zip"
done
