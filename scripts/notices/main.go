// Command notices writes what of others is in the program beside it: the licences and notices for people, a bill
// of materials for programs, and our own licence.
//
//	go run ./scripts/notices build
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"khien/scripts/parts"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: notices FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func write(folder string) error {
	all, err := parts.Go(".", "./server/cmd/khien")
	if err != nil {
		return err
	}
	version, err := parts.Version(".")
	if err != nil {
		return err
	}
	bom, err := parts.BOM("khien", version, parts.Join(all))
	if err != nil {
		return err
	}
	terms, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	for name, body := range map[string][]byte{"NOTICES.txt": parts.Notices("Khiên", parts.Join(all)), "khien.cdx.json": bom, "LICENSE": terms} {
		if err := os.WriteFile(filepath.Join(folder, name), body, 0o644); err != nil {
			return err
		}
	}
	return nil
}
