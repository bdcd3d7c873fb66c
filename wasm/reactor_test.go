//go:build !wasip1

package main

import (
	"bytes"
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"khien/shared/release"
)

// reactor is the very file that the browser loads, running.
type reactor struct{ api.Module }

func startReactor(t testing.TB) reactor {
	t.Helper()
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
	t.Cleanup(func() { runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	module, err := runtime.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithStartFunctions("_initialize"))
	if err != nil {
		t.Fatal(err)
	}
	return reactor{module}
}

// ask calls an export. What it answers lies in the memory.
func (r reactor) ask(t testing.TB, name string, args ...uint64) uint64 {
	t.Helper()
	got, err := r.ExportedFunction(name).Call(context.Background(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func (r reactor) read(t testing.TB, place uint64) []byte {
	t.Helper()
	body, ok := r.Memory().Read(uint32(place>>32), uint32(place))
	if !ok {
		t.Fatal("the reply lies outside the memory")
	}
	return append([]byte{}, body...)
}

func (r reactor) answer(t testing.TB, op int32, request, body []byte) []byte {
	t.Helper()
	if len(body) > 0 {
		r.Memory().Write(uint32(r.ask(t, "attach", uint64(len(body)))), body)
	}
	r.Memory().Write(uint32(r.ask(t, "buffer", uint64(len(request)))), request)
	return r.read(t, r.ask(t, "call", uint64(uint32(op)), uint64(len(request))))
}

func TestTheBuiltCore(t *testing.T) {
	r := startReactor(t)
	story(t, func(op int32, request, body []byte) []byte { return r.answer(t, op, request, body) }, func() []byte { return r.read(t, r.ask(t, "made")) })
	for _, length := range []uint64{1 << 30, 0xffffffff} {
		r.ask(t, "call", opCheck, length) // a request that was never written is refused
	}
}

// The exports of the built core take any number and any bytes: each answers with what lies in the memory, and the
// release in use stays in use.
func FuzzCall(f *testing.F) {
	r, p := startReactor(f), publish(f)
	sum := release.DigestOf(p.body)
	answer := func(op int32, request, body []byte) []byte { return r.answer(f, op, request, body) }
	if code := ask(f, answer, opOpen, &openRequest{p.root, p.keys, p.head, sum[:], now, p.supplement}, p.body, &openReply{}); code != "" {
		f.Fatal(code)
	}
	hostile(f, p, func(op int32, request, body []byte) {
		f.Add(op, request, body, int32(len(request)), int32(len(body)))
		f.Add(op, request, body, int32(len(request)+1), int32(-1))
		f.Add(op, request, []byte{}, int32(math.MinInt32), int32(math.MaxInt32))
	})
	f.Fuzz(func(t *testing.T, op int32, request, body []byte, length, about int32) {
		if about > 1<<20 && about <= release.MaxSet || length > 1<<20 && length <= maxRequest {
			return // it is given that much, which only takes time
		}
		write := func(export string, body []byte, length, most int32) {
			place := uint32(r.ask(t, export, uint64(uint32(length))))
			if length < 1 || length > most {
				length = 1 // for what is no length there is room for a single byte
			}
			r.Memory().Write(place, body[:min(len(body), int(length))])
		}
		write("attach", body, about, release.MaxSet)
		write("buffer", request, length, maxRequest)
		sound(t, op, request, r.read(t, r.ask(t, "call", uint64(uint32(op)), uint64(uint32(length)))))
		r.read(t, r.ask(t, "made"))
		var checked checkReply
		answer := func(op int32, request, body []byte) []byte { return r.answer(t, op, request, body) }
		if ask(t, answer, opCheck, &checkRequest{[]string{"https://scam.example/"}, now, "en"}, nil, &checked); !bytes.Equal(checked.Verdicts, []byte{2}) {
			t.Fatalf("after op %d the list is another", op)
		}
	})
}
