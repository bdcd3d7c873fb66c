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
	ask := func(name string, args ...uint64) uint64 {
		t.Helper()
		got, err := module.ExportedFunction(name).Call(ctx, args...)
		if err != nil {
			t.Fatal(err)
		}
		return got[0]
	}
	bytesAt := func(place uint64) []byte {
		t.Helper()
		body, ok := module.Memory().Read(uint32(place>>32), uint32(place))
		if !ok {
			t.Fatal("the reply lies outside the memory")
		}
		return append([]byte{}, body...)
	}
	story(t, func(op int32, request, body []byte) []byte {
		if len(body) > 0 {
			module.Memory().Write(uint32(ask("attach", uint64(len(body)))), body)
		}
		module.Memory().Write(uint32(ask("buffer", uint64(len(request)))), request)
		return bytesAt(ask("call", uint64(uint32(op)), uint64(len(request))))
	}, func() []byte { return bytesAt(ask("made")) })
	for _, length := range []uint64{1 << 30, 0xffffffff} {
		ask("call", opCheck, length) // a request that was never written is refused
	}
}
