// Known keeps server/publish/supplement/known.txt: the hosts of public rankings that resemble somebody in the official
// book and are well known by themselves.
//
//	go run ./scripts/known FILE... < known.txt > known.txt.new
//
// A file has a host a line, with its rank in front or without, or is a list of MISP's warning lists (JSON). A host that
// is not in known.txt yet is written with a "?" in front, and is nothing until a person has looked at it and taken that
// away, or put a "-" there for one that does pass itself off as somebody else. What no longer resembles anybody is left
// out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"strings"

	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/official"
	"khien/shared/subject"
)

func main() {
	log.SetFlags(0)
	book, err := official.Read(strings.NewReader(publish.OwnBook()))
	if err != nil {
		log.Fatal(err)
	}
	marks, head := map[string]string{}, ""
	before, err := io.ReadAll(os.Stdin)
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(before)) {
		line = strings.TrimSpace(line)
		switch host := strings.TrimLeft(line, "?-"); {
		case strings.HasPrefix(line, "#"):
			head += line + "\n"
		case resembles(book, host):
			marks[host] = strings.TrimSuffix(line, host)
		}
	}
	for _, file := range os.Args[1:] {
		hosts, err := ranking(file)
		if err != nil {
			log.Fatalf("%s: %v", file, err)
		}
		for _, host := range hosts {
			if _, there := marks[host]; !there && resembles(book, host) {
				marks[host] = "?"
			}
		}
	}
	fmt.Print(head)
	for _, host := range slices.Sorted(maps.Keys(marks)) {
		fmt.Println(marks[host] + host)
	}
}

func resembles(book *official.Book, host string) bool {
	_, ok := book.Host(host)
	return ok
}

func ranking(file string) (hosts []string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var lines []string
	if strings.HasSuffix(file, ".json") {
		var list struct {
			List []string `json:"list"`
		}
		if err := json.NewDecoder(f).Decode(&list); err != nil {
			return nil, err
		}
		lines = list.List
	} else {
		s := bufio.NewScanner(f)
		for s.Scan() {
			lines = append(lines, s.Text()[strings.LastIndexByte(s.Text(), ',')+1:])
		}
		if err := s.Err(); err != nil {
			return nil, err
		}
	}
	for _, line := range lines {
		href, err := feed.Href(strings.Trim(strings.TrimSpace(line), `".`))
		if err != nil {
			continue
		}
		if host, err := subject.Host(href); err == nil {
			hosts = append(hosts, strings.TrimPrefix(host, "www."))
		}
	}
	return hosts, nil
}
