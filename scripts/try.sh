#!/bin/sh
# Opens the installed Chromium with the extension and the demo page, in a profile of its own.
# usage: try.sh SERVER
set -eu
cd "$(dirname "$0")/.."
browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
	echo "Chromium is not installed. On Debian: apt-get install chromium" >&2
	exit 1
fi
if [ ! -f build/extension/chromium/manifest.json ]; then
	echo "The extension is not built yet. Run \"make run\" in another terminal first." >&2
	exit 1
fi
if ! node -e 'fetch(process.argv[1]).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))' "$1/healthz"; then
	echo "Nothing answers at $1. Run \"make run\" in another terminal first." >&2
	exit 1
fi
sandbox=
[ "$(id -u)" != 0 ] || sandbox=--no-sandbox
exec "$browser" $sandbox ${KHIEN_TRY_FLAGS:-} --no-first-run --user-data-dir="$PWD/build/try-profile" \
	--disable-extensions-except="$PWD/build/extension/chromium" \
	--load-extension="$PWD/build/extension/chromium" "$1/"
