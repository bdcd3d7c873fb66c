//go:build !wasip1

package main

import "os"

// The core runs in a browser; elsewhere it is only built to be tested.
func main() {
	os.Stderr.WriteString("build me with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared\n")
	os.Exit(2)
}
