// Command bundle builds the extension for both browsers: it bundles the
// TypeScript, completes the manifests and the messages, and puts the core and
// the newest published release inside.
//
//	go run ./scripts/bundle --server https://khien.example --data ./data
//
// writes build/extension/chromium and build/extension/firefox, and a zip of
// each. The same inputs give the same bytes.
package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	var b build
	flag.StringVar(&b.source, "source", "extension", "folder of the extension's sources")
	flag.StringVar(&b.out, "out", "build/extension", "folder to write to")
	flag.StringVar(&b.server, "server", "", "origin of the server, such as https://khien.example")
	flag.StringVar(&b.data, "data", "data", "data directory whose root key and newest release go inside")
	flag.StringVar(&b.core, "core", "build/core.wasm", "the core")
	flag.StringVar(&b.stores, "stores", "", "folder for the zips that the stores are given, with the sources; none if empty")
	flag.BoolVar(&b.local, "local", false, "let the stores' zips speak to a server that other machines cannot reach")
	flag.Parse()
	b.now = time.Now().Unix()
	if flag.NArg() > 0 || b.server == "" {
		flag.Usage()
		os.Exit(2)
	}
	if err := b.run(); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}
