#!/bin/sh
# What needs no browser and takes a minute or two.
set -eu
cd "$(dirname "$0")/.."
scripts/static.sh
echo '== native tests' >&2
go test ./...
