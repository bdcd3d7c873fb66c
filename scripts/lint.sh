#!/bin/sh
# Reads the extension as the reviewers of Firefox's store do. A warning fails, too.
# usage: lint.sh FOLDER
set -eu
folder=$(realpath "$1")
cd "$(dirname "$0")/../extension"
NO_UPDATE_NOTIFIER=1 npx --no-install web-ext lint --no-config-discovery --warnings-as-errors --source-dir "$folder" >&2
