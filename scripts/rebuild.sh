#!/bin/sh
# In an unpacked source zip: builds the extension for both browsers again and compares it with what the
# stores were given. Needs Go and npm, and nothing else. Leaves the zips in build/extension/.
set -eu
cd "$(dirname "$0")/.."
if [ ! -f release/server ]; then
	echo "This is not an unpacked source zip: there is no release/ in it. Here, use \"make release\"." >&2
	exit 1
fi
. scripts/toolchain.sh
sh scripts/build.sh
(cd extension && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
go run ./scripts/bundle --out build/extension --server "$(cat release/server)" --data release --core build/core.wasm
failed=
while read -r sum name; do
	browser=${name##*-}
	got=$(sha256sum "build/extension/khien-$browser" | cut -d' ' -f1)
	if [ "$got" = "$sum" ]; then echo "the same: $name"; else
		echo "DIFFERS: $name, rebuilt as build/extension/khien-$browser" >&2
		failed=1
	fi
done <release/SHA256SUMS
[ -z "$failed" ]
