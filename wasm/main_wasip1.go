package main

import (
	"runtime/debug"
	"sync"
	"unsafe"

	"khien/shared/release"
)

// What the browser holds on to between two calls lives here, so that the collector leaves it alone.
var (
	only    core
	request []byte
	body    []byte
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

//go:wasmexport attach
func attach(n int32) unsafe.Pointer {
	if n <= 0 || n > release.MaxSet {
		n = 1
	}
	body = make([]byte, n)
	return unsafe.Pointer(&body[0])
}

//go:wasmexport call
func call(op, n int32) int64 {
	attached := body
	body = nil // the core's from now on, or nobody's
	if calls++; calls > starting || op == opPlan {
		thrift.Do(func() { debug.SetGCPercent(25) })
	}
	if n < 0 || int(n) > len(request) {
		reply = refusal(errRequest)
	} else {
		reply = only.answer(op, request[:n], attached)
	}
	return place(reply)
}

//go:wasmexport made
func made() int64 {
	if len(only.made) == 0 {
		return 0
	}
	return place(only.made)
}

func place(b []byte) int64 { return int64(uintptr(unsafe.Pointer(&b[0])))<<32 | int64(len(b)) }

// Memory that wasm has taken once it never gives back. What lives is a set, which costs the
// collector nothing, so it may come often; but not before the first verdicts, for which a page waits: its code would be
// compiled first. An update needs the memory at once.
const starting = 16 // calls

var (
	calls  int
	thrift sync.Once
)

func main() {}
