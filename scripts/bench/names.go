//go:build !wasip1

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"khien/server/publish"
	"khien/shared/official"
)

// Where lists of honest hosts and of impostors lie beside the project; it has none of its own, only the rows of a test.
const (
	honestHosts = "../shared/data/honest-hosts.txt"
	impostors   = "../shared/data/impostors-missed.tsv"
	ownRows     = "server/cmd/khien/testdata/wild/names.tsv"
)

// trial is what both sides are asked: names with their hosts, honest hosts, and impostors.
type trial struct {
	Names     []string `json:"names"`    // the first host of each
	Official  []string `json:"official"` // all of them
	Honest    []string `json:"honest"`
	Impostors []string `json:"impostors"`
}

// tried is what a peer made of it.
type tried struct {
	Peer   string  `json:"peer"`
	Alarms float64 `json:"alarms"` // on honest hosts
	Found  float64 `json:"found"`  // impostors
	Micros float64 `json:"micros"` // for a host
}

// writeTrial writes it for the peer, which runs in Node.
func writeTrial(file string) error {
	t, err := newTrial()
	if err != nil {
		return err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

func newTrial() (t trial, err error) {
	for line := range strings.Lines(publish.OwnBook()) {
		line, _, _ = strings.Cut(line, "#")
		line, _, _ = strings.Cut(line, "|")
		for i, host := range strings.Fields(line) {
			host = strings.TrimSuffix(host, ".*")
			if !strings.Contains(host, ".") {
				host += ".com"
			}
			if t.Official = append(t.Official, host); i == 0 {
				t.Names = append(t.Names, host)
			}
		}
	}
	t.Honest, err = column(honestHosts)
	if err == nil {
		t.Impostors, err = column(impostors)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return t, err
	}
	fmt.Fprintln(os.Stderr, "no lists beside the project: names are tried on the few rows of", ownRows)
	t.Honest, t.Impostors = nil, nil
	text, err := os.ReadFile(ownRows)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if len(cells) < 4 || cells[1] != "official" {
			continue
		}
		host, _, _ := strings.Cut(strings.TrimPrefix(cells[2], "https://"), "/")
		if cells[3] == "-" {
			t.Honest = append(t.Honest, host)
		} else {
			t.Impostors = append(t.Impostors, host)
		}
	}
	return t, err
}

// column is the first column of a file.
func column(file string) (cells []string, err error) {
	text, err := os.ReadFile(filepath.FromSlash(file))
	for line := range strings.Lines(string(text)) {
		cell, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		cells = append(cells, cell)
	}
	return cells, err
}

// names measures the rules by which a host resembles somebody, beside what the peer has made of the same.
func names(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var peers []tried
	if err := json.Unmarshal(text, &peers); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	t, err := newTrial()
	if err != nil {
		return err
	}
	book, _ := publish.Book("")
	bare, err := official.Read(strings.NewReader(publish.OwnBook()))
	if err != nil {
		return err
	}
	whole, err := official.Read(strings.NewReader(book))
	if err != nil {
		return err
	}
	whole.Host("warm.example")
	start := time.Now()
	alarms, found := byRule(whole, t.Honest), byRule(whole, t.Impostors)
	micros := float64(time.Since(start).Microseconds()) / float64(len(t.Honest)+len(t.Impostors))
	out := json.NewEncoder(os.Stdout)
	perHonest := func(n float64) float64 { return n * 100_000 / float64(len(t.Honest)) }
	perImpostor := func(n float64) float64 { return n * 100 / float64(len(t.Impostors)) }
	// Of alarms, were a host in a hundred an impostor: the lists have many more of them than there are.
	precision := func(alarms, found float64) float64 {
		if found == 0 {
			return 0
		}
		right := found / float64(len(t.Impostors)) / 100
		return 100 * right / (right + alarms/float64(len(t.Honest))*99/100)
	}
	say := func(l line) { err = errors.Join(err, out.Encode(l)) }
	for _, peer := range peers {
		say(line{Name: "names/alarms", N: len(t.Honest), Value: perHonest(alarms[""]), Unit: "per 100,000 honest hosts", Peer: peer.Peer, PeerValue: perHonest(peer.Alarms), Bound: 60})
		say(line{Name: "names/recall", N: len(t.Impostors), Value: perImpostor(found[""]), Unit: "% of impostors, more is better", Peer: peer.Peer, PeerValue: perImpostor(peer.Found)})
		say(line{Name: "names/precision", N: len(t.Impostors), Value: precision(alarms[""], found[""]), Unit: "% where 1 in 100 is an impostor, more is better", Peer: peer.Peer, PeerValue: precision(peer.Alarms, peer.Found)})
		say(line{Name: "names/time", N: len(t.Honest) + len(t.Impostors), Value: micros, Unit: "µs a host", Peer: peer.Peer, PeerValue: peer.Micros})
	}
	say(line{Name: "names/alarms, nobody known by himself", N: len(t.Honest), Value: perHonest(byRule(bare, t.Honest)[""]), Unit: "per 100,000 honest hosts"})
	for _, rule := range []official.Rule{official.Letters, official.Ending, official.Inside, official.Added, official.Piece, official.Slip} {
		say(line{Name: "names/alarms/" + string(rule), N: len(t.Honest), Value: perHonest(alarms[rule]), Unit: "per 100,000 honest hosts"})
		say(line{Name: "names/recall/" + string(rule), N: len(t.Impostors), Value: perImpostor(found[rule]), Unit: "% of impostors"})
		say(line{Name: "names/precision/" + string(rule), N: len(t.Impostors), Value: precision(alarms[rule], found[rule]), Unit: "% where 1 in 100 is an impostor"})
	}
	return err
}

// byRule counts hosts that resemble somebody; by "" all of them.
func byRule(book *official.Book, hosts []string) map[official.Rule]float64 {
	n := map[official.Rule]float64{}
	for host := range slices.Values(hosts) {
		if r, ok := book.Host(host); ok {
			n[r.Rule]++
			n[""]++
		}
	}
	return n
}
