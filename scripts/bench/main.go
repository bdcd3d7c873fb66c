// Bench measures Khiên beside its peers, on the same data in the same run.
//
//	bench measure [n]     what runs in Go, one JSON line each; the same program under wasm
//	bench trial FILE      the names and hosts that ours and the peer are tried with
//	bench names FILE      what is made of them, beside what the peer has made of them (extension/bench/names.mjs)
//	bench lists KHIEN N   a list of n lines that comes in, by that program
//	bench table FILE      the lines of all runs (standard input), as a table and as FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"text/tabwriter"
)

// line is one figure. Ratio is value/peer_value, bound_ratio value/bound: below one is better.
type line struct {
	Name       string  `json:"name"`
	N          int     `json:"n"`
	Value      float64 `json:"value"`
	Unit       string  `json:"unit"`
	Peer       string  `json:"peer"`
	PeerValue  float64 `json:"peer_value"`
	Ratio      float64 `json:"ratio"`
	Bound      float64 `json:"bound"`
	BoundRatio float64 `json:"bound_ratio"`
}

func main() {
	var err error
	switch {
	case len(os.Args) >= 2 && os.Args[1] == "measure":
		n := 1_000_000
		if len(os.Args) == 3 {
			n, err = strconv.Atoi(os.Args[2])
		}
		if err == nil {
			err = measure(n)
		}
	case len(os.Args) == 3 && os.Args[1] == "trial":
		err = writeTrial(os.Args[2])
	case len(os.Args) == 3 && os.Args[1] == "names":
		err = names(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "lists":
		n := 0
		if n, err = strconv.Atoi(os.Args[3]); err == nil {
			err = lists(os.Args[2], n)
		}
	case len(os.Args) == 3 && os.Args[1] == "table":
		err = table(os.Args[2])
	default:
		err = fmt.Errorf("usage: bench measure [n] | bench trial FILE | bench names FILE | bench lists KHIEN N | bench table FILE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func table(file string) error {
	var all []line
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var l line
		if err := json.Unmarshal(in.Bytes(), &l); err != nil {
			return fmt.Errorf("%q: %w", in.Text(), err)
		}
		if l.PeerValue != 0 {
			l.Ratio = l.Value / l.PeerValue
		}
		if l.Bound != 0 {
			l.BoundRatio = l.Value / l.Bound
		}
		all = append(all, l)
	}
	if err := in.Err(); err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("no figure in the input")
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "name\tn\tvalue\tunit\tpeer\tits value\tratio\tbound\tof bound")
	short := func(v float64) string {
		if v == 0 {
			return ""
		}
		return strconv.FormatFloat(v, 'g', 4, 64)
	}
	for _, l := range all {
		fmt.Fprintf(out, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.N, short(l.Value), l.Unit, l.Peer, short(l.PeerValue), short(l.Ratio), short(l.Bound), short(l.BoundRatio))
	}
	if err := out.Flush(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
