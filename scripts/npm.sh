#!/bin/sh
# Installs the extension's npm packages where the lock file changed since the last time.
set -eu
cd "$(dirname "$0")/../extension"
stamp=node_modules/.khien-lock
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
	echo "Installing the extension's npm packages ..." >&2
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json "$stamp"
fi
