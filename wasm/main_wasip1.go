package main

import "unsafe"

// What the browser holds on to between two calls lives here, so that the collector leaves it alone.
var (
	only    core
	request []byte
	reply   []byte
)

//go:wasmexport buffer
func buffer(n int32) unsafe.Pointer {
	if n <= 0 || n > maxRequest {
		n = 1
	}
	if int(n) > cap(request) || cap(request) > 1<<20 && int(n) < cap(request)/4 {
		request = make([]byte, n)
	}
	request = request[:n]
	return unsafe.Pointer(&request[0])
}

//go:wasmexport call
func call(op, n int32) int64 {
	if n < 0 || int(n) > len(request) {
		reply = refusal(errRequest)
	} else {
		reply = only.answer(op, request[:n])
	}
	return int64(uintptr(unsafe.Pointer(&reply[0])))<<32 | int64(len(reply))
}

func main() {}
