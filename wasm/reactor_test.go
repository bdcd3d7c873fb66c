//go:build !wasip1

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// The same story, told to the very file that the browser loads.
func TestTheBuiltCore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "core.wasm")
	build := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags", "-s -w -buildid=", "-o", file, ".")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	module, err := runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	buffer, call := module.ExportedFunction("buffer"), module.ExportedFunction("call")
	story(t, func(op int32, request []byte) []byte {
		at, err := buffer.Call(ctx, uint64(len(request)))
		if err != nil {
			t.Fatal(err)
		}
		module.Memory().Write(uint32(at[0]), request)
		reply, err := call.Call(ctx, uint64(uint32(op)), uint64(len(request)))
		if err != nil {
			t.Fatal(err)
		}
		body, ok := module.Memory().Read(uint32(reply[0]>>32), uint32(reply[0]))
		if !ok {
			t.Fatal("the reply lies outside the memory")
		}
		return append([]byte{}, body...)
	})
	for _, length := range []uint64{1 << 30, 0xffffffff} {
		if _, err := call.Call(ctx, opCheck, length); err != nil {
			t.Errorf("a request of %d bytes that was never written: %v", length, err)
		}
	}
}
