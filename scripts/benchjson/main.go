// Benchjson turns what `go test -bench` prints into JSON, one object a benchmark:
//
//	{"name":"Lookup/1000000-2","iterations":5,"bits/entry":21.7,"sec/op":1.3e-07}
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/perf/benchfmt"
)

func main() {
	var all []map[string]any
	r := benchfmt.NewReader(os.Stdin, "stdin")
	for r.Scan() {
		switch line := r.Result().(type) {
		case *benchfmt.Result:
			one := map[string]any{"name": string(line.Name), "iterations": line.Iters}
			for _, v := range line.Values {
				one[v.Unit] = v.Value
			}
			all = append(all, one)
		case *benchfmt.SyntaxError:
			fail(line)
		}
	}
	if err := r.Err(); err != nil {
		fail(err)
	}
	if len(all) == 0 {
		fail(fmt.Errorf("no benchmark in the input"))
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(all); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "benchjson:", err)
	os.Exit(1)
}
