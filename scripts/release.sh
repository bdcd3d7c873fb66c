#!/bin/sh
# What the stores are given, into build/release/: a zip for each browser, one of the sources from which
# scripts/rebuild.sh makes the same bytes, what of others is inside, and their sums, signed with the release key of
# DATA. The extension carries the newest release that DATA has published, trusts its root key, and speaks to SERVER.
# usage: release.sh DATA SERVER [LOCAL]
set -eu
cd "$(dirname "$0")/.."
data=$1 server=$2 local=${3:-}
if [ -z "$data" ] || [ -z "$server" ]; then
	cat >&2 <<'TEXT'
A release needs to know whom it trusts and whom it asks; neither is guessed:
  make release SERVER=https://khien.org DATA=/srv/khien
SERVER is where lists come from and reports go. DATA is the data directory whose root key goes inside, with the
newest release that it has published. To try the packaging with a server on this machine:
  make release SERVER=http://127.0.0.1:8787 DATA=data LOCAL=1
TEXT
	exit 2
fi
[ -z "$(git status --porcelain)" ] || echo "Not everything here is committed: the source zip has what git knows, as it lies here." >&2
. scripts/toolchain.sh
scripts/build.sh
scripts/npm.sh
go run ./scripts/bundle --stores build/release ${local:+--local} --out build/extension-release --server "$server" --data "$data" --core build/core.wasm
scripts/lint.sh build/extension-release/firefox
build/khien verify --data "$data" --packages build/release
cat build/release/SHA256SUMS
