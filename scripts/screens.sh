#!/bin/sh
# Pictures of all screens, in every language, by day and by night, at 360 and 1280 pixels: contact sheets in
# build/screens/, each screen alone in build/screens/single/. With NAMES, only those screens; without, also the
# pictures for the stores (docs/store), in build/store/.
# usage: screens.sh [NAME…]
set -eu
cd "$(dirname "$0")/.."
scripts/deps.sh
scripts/npm.sh
(cd extension && node screens/screens.mjs ../build/screens "$@")
[ $# -gt 0 ] || (cd extension && node screens/store.mjs ../build/store)
