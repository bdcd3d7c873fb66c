//go:build !wasip1

package main

// The core runs in a browser; elsewhere it is only built to be tested.
func main() {
	panic("build me with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared")
}
