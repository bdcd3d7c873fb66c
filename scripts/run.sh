#!/bin/sh
# Builds all, prepares the data directory on the first start, and serves until Ctrl-C.
# usage: run.sh DATA SERVER
set -eu
cd "$(dirname "$0")/.."
data=$1 server=$2 console=${CONSOLE:-127.0.0.1:8788}
echo "Building (the first time takes a minute or two) ..." >&2
scripts/build.sh
build/khien init --data "$data" >&2
links=$(build/khien demo --data "$data" --server "$server" --console-origin "http://localhost:${console##*:}" 2>&1) || { echo "$links" >&2; exit 1; }
scripts/extension.sh "$data" "$server" >&2
echo "The console (each link lets you in once, with a passkey):" >&2
echo "$links" >&2
cat <<TEXT
The extension:  $PWD/build/extension/chromium   (Firefox: $PWD/build/extension/firefox)
In Chromium:    open chrome://extensions, switch on "Developer mode", "Load unpacked", choose that folder
In Firefox:     open about:debugging#/runtime/this-firefox, "Load Temporary Add-on", choose its manifest.json
Or:             run "make try" in a second terminal: it opens Chromium with the extension loaded
The console:    http://localhost:${console##*:}/
Then try:       $server/   (Ctrl-C stops the server; everything is kept in $data)
TEXT
exec build/khien serve --demo --data "$data" --listen "${server#http://}" --console "$console" --evidence "${EVIDENCE:-127.0.0.1:8789}"
