# Khiên. `make run` to try it, `make test` before a change is offered; the scripts do the work.

export CGO_ENABLED ?= 0
SERVER ?= http://127.0.0.1:8787
DATA ?= data

SECONDS ?= 30
KILLS ?= 1000

.PHONY: help run try build extension test test-all check release bench screens load fuzz generate clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: ## build everything, prepare a demo on the first start, serve on 127.0.0.1:8787
	@scripts/run.sh "$(DATA)" "$(SERVER)"

try: ## open the installed Chromium with the extension and the demo page
	@scripts/try.sh "$(SERVER)"

build: ## the program and the core, into build/
	@scripts/build.sh

extension: build ## the extension for both browsers, into build/extension/
	@scripts/extension.sh "$(DATA)" "$(SERVER)"

release: ## what the stores are given, into build/release/: SERVER=https://… DATA=… (LOCAL=1 to try it)
	@scripts/release.sh "$(if $(filter file,$(origin DATA)),,$(DATA))" "$(if $(filter file,$(origin SERVER)),,$(SERVER))" "$(LOCAL)"

test: ## all promises: native, wasm, race detector, real Chromium and Firefox; of long rows of cases a part
	@scripts/test.sh

test-all: ## the same with every case, as CI runs it
	@KHIEN_WHOLE=1 scripts/test.sh

check: build ## what needs no browser: formatting, vet, generated files, unit tests, type check
	@scripts/check.sh

bench: build ## the benchmarks beside their peers, as a table and as bench.json
	@scripts/bench.sh

screens: build ## every screen, in all languages, light and dark, narrow and wide, as contact sheets in build/screens/
	@scripts/screens.sh

load: build ## reports a second, kills (KILLS, 1000) that may lose none, and floods that may slow nobody else
	@scripts/load.sh "$(KILLS)"

fuzz: ## every fuzz target for SECONDS each (30)
	@scripts/fuzz.sh "$(SECONDS)"

generate: ## rewrite generated files
	go generate ./...

clean: ## remove what was built; keeps data/
	rm -rf build
