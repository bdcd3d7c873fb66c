#!/bin/sh
# The tests that need no browser, or some parts of them: native, reproduce, wasm, race. A part that fails keeps none of
# the others from running. Each says at its end how long it took. With KHIEN_WHOLE=1 all of the core's packages run
# inside wasm, all of the server's under the race detector, and nothing is taken from the cache of go test.
# usage: browserless.sh [PART...]
set -eu
cd "$(dirname "$0")/.."

# Thousands of commits wait until they are on the disk. What lies in memory waits for nothing, and no test cuts the
# power. Its name stays the same: go test runs anew only what depends on something that has changed, TMPDIR included.
mkdir -p build/bin build/wazero
room=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
if [ "${room:-0}" -gt 4000000 ]; then
	TMPDIR=/dev/shm/khien-test-$(pwd | cksum | tr -d ' ')
	rm -rf "$TMPDIR" && mkdir -m 711 "$TMPDIR" # for PostgreSQL, which root starts as another user
	trap 'rm -rf "$TMPDIR"' EXIT
	trap 'exit 130' INT TERM
	printf '#!/bin/sh\n' >"$TMPDIR/runs" && chmod +x "$TMPDIR/runs"
	unset GOTMPDIR # or the tests' folders lie there
	"$TMPDIR/runs" 2>/dev/null || { mkdir -p build/tmp && export GOTMPDIR="$PWD/build/tmp"; } # nothing runs from there
	export TMPDIR
	# An empty PostgreSQL takes a second of work to make, and a tenth to copy: one is made for all packages.
	export KHIEN_INITDB="$TMPDIR/initdb" && mkdir -m 700 "$KHIEN_INITDB"
fi

# What asks the go command sees more than go test knows of, and always runs; so does all of it with KHIEN_WHOLE=1.
asks='/scripts/layers$|/scripts/parts$|/wasm$'
native() {
	if [ -n "${KHIEN_WHOLE-}" ]; then
		go test -timeout 30m -count=1 ./...
		return
	fi
	failed=
	go test -timeout 30m $(go list ./... | grep -vE "$asks") || failed=1
	go test -timeout 30m -count=1 $(go list ./... | grep -E "$asks") || failed=1
	[ -z "$failed" ]
}

# A release, and the same bytes from its sources.
reproduce() { scripts/reproduce.sh; }

# The same tests inside wasm: of what the core is made of, and there runs on other code than natively, be it ours
# (*_wasm.go) or that of hashes and signatures.
wasm() {
	packages='./shared/checker ./shared/release ./shared/set ./shared/subject ./shared/pow ./wasm'
	[ -z "${KHIEN_WHOLE-}" ] || packages='./shared/... ./wasm/...'
	go build -o build/bin/wazero github.com/tetratelabs/wazero/cmd/wazero
	PATH="$PWD/build/bin:$(go env GOROOT)/lib/wasm:$PATH" GOWASIRUNTIME=wazero GOWASIRUNTIMEARGS="-cachedir $PWD/build/wazero" \
		GOOS=wasip1 GOARCH=wasm go test -timeout 30m ${KHIEN_WHOLE:+-count=1} -short $packages
}

# The race detector, where a test has several do something at once; a few of the program's scripts have the whole server
# in it.
race() {
	export CGO_ENABLED=1
	if [ -n "${KHIEN_WHOLE-}" ]; then
		go test -timeout 30m -count=1 -race -short ./server/... ./shared/release/... ./shared/checker/... ./wasm/...
		return
	fi
	set -- $(awk -f scripts/racing.awk $(find server shared wasm -name '*_test.go'))
	go test -timeout 30m -race -short -run "$@"
}

[ $# -gt 0 ] || set -- native reproduce wasm race
failed=
for part; do
	case $part in
	native | reproduce | wasm | race) ;;
	*)
		echo "there is no part $part: native, reproduce, wasm, race" >&2
		exit 2
		;;
	esac
	echo "== $part" >&2
	began=$(date +%s)
	set +e
	(set -e && "$part")
	[ $? = 0 ] || failed="${failed:+$failed, }$part"
	set -e
	echo "== $part took $(($(date +%s) - began)) s" >&2
done
[ -z "$failed" ] || { echo "== failed: $failed" >&2; exit 1; }
