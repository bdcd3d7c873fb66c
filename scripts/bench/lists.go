//go:build !wasip1

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// lists measures a list of n lines that comes in as the claims of a source, by the program itself in processes of their
// own: for the first time, with the same file imported as its peer, and unchanged. The peer is left out above a million,
// where it holds gigabytes and grows faster than its input.
func lists(khien string, n int) error {
	folder, err := os.MkdirTemp(".", "lists-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	file, err := filepath.Abs(filepath.Join(folder, "list.txt"))
	if err == nil {
		err = writeList(file, n)
	}
	if err != nil {
		return err
	}
	run := func(data string, args ...string) (seconds, bytes float64, err error) {
		cmd, began := exec.Command(khien, append(args, "--data", filepath.Join(folder, data))...), time.Now()
		if said, err := cmd.CombinedOutput(); err != nil {
			return 0, 0, fmt.Errorf("%s: %w: %s", args[0], err, said)
		}
		return time.Since(began).Seconds(), float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) * 1024, nil
	}
	var seconds, bytes, peerSeconds, peerBytes, again float64
	for _, data := range []string{"source", "import"} {
		if err == nil {
			_, _, err = run(data, "init")
		}
	}
	if err == nil {
		_, _, err = run("source", "source", "add", "large", file, "--preset", "openphish", "--meaning", "full", "--trust", "list")
	}
	if err == nil {
		seconds, bytes, err = run("source", "source", "run", "large")
	}
	if err == nil {
		again, _, err = run("source", "source", "run", "large")
	}
	peer := ""
	if err == nil && n <= 1_000_000 {
		peer = "khien import"
		peerSeconds, peerBytes, err = run("import", "import", "urls", file)
	}
	if err != nil {
		return err
	}
	bound := 60.0
	if n > 1_000_000 {
		bound = 300
	}
	out := json.NewEncoder(os.Stdout)
	for _, l := range []line{
		{Name: "lists/first", N: n, Value: seconds, Unit: "s", Peer: peer, PeerValue: peerSeconds, Bound: bound},
		{Name: "lists/memory", N: n, Value: bytes, Unit: "bytes", Peer: peer, PeerValue: peerBytes, Bound: 300e6},
		{Name: "lists/unchanged", N: n, Value: again, Unit: "s", Bound: 5},
	} {
		if err := out.Encode(l); err != nil {
			return err
		}
	}
	return nil
}

// writeList writes addresses in no order, each of another host.
func writeList(file string, n int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintf(w, "https://shop-%08x.example/pay/%d\n", uint32(i)*2654435761, i%97)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
