package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"khien/server/blob"
	"khien/server/feed"
	"khien/server/publish"
	"khien/shared/category"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
	"khien/shared/texts"
	"khien/shared/wire"
)

// verdict is one line of "khien check".
type verdict struct {
	Input     string            `json:"input"`
	Verdict   string            `json:"verdict"`
	Subject   subject.Subject   `json:"subject,omitempty"`
	Category  string            `json:"category,omitempty"`
	Reason    map[string]string `json:"reason,omitempty"`
	FirstSeen string            `json:"first_seen,omitempty"`
	Reference string            `json:"reference,omitempty"`
	Source    string            `json:"source,omitempty"`
	Also      []string          `json:"also_said_by,omitempty"`
	Confirmed bool              `json:"confirmed,omitempty"`
	Stale     bool              `json:"stale,omitempty"`
	Resembles string            `json:"resembles,omitempty"` // whom a page passes itself off as
	Things    []seen            `json:"things,omitempty"`    // what the text names and what is known of each, where the verdict does not say so
	Error     string            `json:"error,omitempty"`
}

type seen struct {
	Subject subject.Subject `json:"subject"`
	Verdict string          `json:"verdict"`
}

func checkCommand(d *dir) *cobra.Command {
	var server, root, file, speaks string
	cmd := &cobra.Command{
		Use: "check TEXT...", Short: "Check URLs, accounts and numbers as the extension does",
		Long: `Prints one JSON object a line for each input, with a verdict: unlisted (nothing is
known), listed, caution, or unknown (it could not be checked, and why). An input is a text as
somebody pastes it, as for "khien subject"; where it names several things, the verdict is the
worst of them, and all are told. With "-" the inputs are the lines of stdin.

Without a flag it checks against what the data directory publishes. With --server it
fetches the signed list, verifies it, and asks for the reason behind a hit by bucket.
With --set it checks against a bare set file, whose signature cannot be verified.`,
		Example: `  $ khien check http://lucky-gift.localhost/
  {"input":"http://lucky-gift.localhost/","verdict":"listed","subject":"lucky-gift.localhost/","category":"prize",...}`,
		Args: atLeast(1, "at least one URL, or - for the lines of stdin"),
	}
	cmd.Flags().StringVar(&server, "server", "", "check against the list of this server")
	cmd.Flags().StringVar(&root, "root", "", "the server's root key, or a file with it (default: the data directory's)")
	cmd.Flags().StringVar(&file, "set", "", "check against this set file, unverified")
	cmd.Flags().StringVar(&speaks, "language", "", "read numbers as who speaks this `language` writes them, such as pl")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var against func(input, language string) verdict
		var err error
		switch {
		case file != "" && server != "":
			return usagef("check against --server or against --set, not both")
		case file != "":
			fmt.Fprintln(cmd.ErrOrStderr(), "khien: a bare set file carries no signature; nothing about it is verified")
			against, err = checkSet(file)
		case server != "":
			against, err = checkServer(cmd, d, server, root)
		default:
			against, err = checkDir(d)
		}
		if err != nil {
			return err
		}
		return eachInput(cmd, args, func(input string) (any, bool) {
			v := against(input, speaks)
			v.Input = input
			return v, v.Error == ""
		})
	}
	return cmd
}

func checkDir(d *dir) (func(input, language string) verdict, error) {
	root, err := d.rootKey()
	if err != nil {
		return nil, err
	}
	blobs, err := d.blobs()
	if err != nil {
		return nil, err
	}
	note, err := blobs.Head()
	if errors.Is(err, blob.ErrNotFound) {
		return nil, fmt.Errorf("there is no release yet in %s: run \"khien publish\"", d.path)
	}
	if err != nil {
		return nil, err
	}
	own := store{blobs, note}
	r, err := fetchRelease(own.get)
	if err != nil {
		return nil, err
	}
	return checkRelease(root, r, own.get)
}

func checkServer(cmd *cobra.Command, d *dir, server, root string) (func(input, language string) verdict, error) {
	key, err := serverRoot(d, root)
	if err != nil {
		return nil, err
	}
	c, err := newClient(cmd.Context(), server)
	if err != nil {
		return nil, err
	}
	r, err := fetchRelease(c.get)
	if err != nil {
		return nil, err
	}
	return checkRelease(key, r, c.get)
}

// checkRelease verifies a release and checks against it; get fetches buckets.
func checkRelease(root string, r releaseBytes, get getter) (func(input, language string) verdict, error) {
	now := time.Now().Unix()
	c, err := checker.Open(root, r.keys, r.head, r.set, release.DigestOf(r.set), r.supplement, now)
	if err != nil {
		return nil, fmt.Errorf("couldn't verify the release: %w", err)
	}
	return func(input, language string) verdict {
		text, err := feed.Text(input)
		if err != nil {
			return verdict{Verdict: checker.Unknown.String(), Error: err.Error()}
		}
		found := c.CheckText(text, now, language)
		worst := found[0]
		var things []seen
		for _, f := range found {
			if grave(f) > grave(worst) {
				worst = f
			}
			if f.Subject != "" {
				things = append(things, seen{f.Subject, f.Verdict.String()})
			}
		}
		if len(things) == 1 && (worst.Verdict == checker.Listed || !things[0].Subject.IsAccount()) {
			things = nil // the verdict says all of it
		}
		v := tell(worst)
		if worst.Verdict == checker.Listed && worst.Bucket != "" {
			confirmed, err := confirm(c, worst, get, now)
			if err == nil {
				v = tell(confirmed)
			} else { // warn all the same, as the extension does
				v.Error = err.Error()
			}
		}
		v.Things = things
		return v
	}, nil
}

// grave orders findings: what is listed comes before all else, and what could not be checked before what is not listed.
func grave(f checker.Finding) int {
	return slices.Index([]checker.Verdict{checker.Unlisted, checker.Unknown, checker.Caution, checker.Listed}, f.Verdict)
}

// confirm asks for the reason behind a hit.
func confirm(c *checker.Checker, hit checker.Finding, get getter, now int64) (checker.Finding, error) {
	body, err := get(hit.Bucket, maxBucket)
	if err != nil {
		return hit, err
	}
	return c.Resolve(hit.Subject, body, now)
}

func tell(f checker.Finding) verdict {
	v := verdict{Verdict: f.Verdict.String(), Stale: f.Stale}
	switch f.Verdict {
	case checker.Unknown:
		v.Error = "it could not be checked"
		if f.Cause != nil {
			v.Error = f.Cause.Error()
		}
	case checker.Caution:
		v.Subject, v.Resembles = f.Subject, f.Resembles.Official
	case checker.Listed:
		v.Subject, v.Category, v.Confirmed = f.Subject, f.Category.Slug(), f.Confirmed
		v.Reference, v.Reason = f.Reference, map[string]string{}
		by, also, told := strings.Cut(f.Source, wire.AlsoSaid)
		if v.Source = by; told {
			v.Also = strings.Split(also, ", ")
		}
		for _, reason := range f.Reason {
			v.Reason[reason.Lang] = reason.Text
		}
		if f.FirstSeen > 0 {
			v.FirstSeen = time.Unix(f.FirstSeen, 0).UTC().Format(time.RFC3339)
		}
		if len(v.Reason) == 0 {
			for _, lang := range texts.All() {
				v.Reason[lang] = f.Category.How(lang)
			}
		}
	}
	return v
}

// checkSet checks against a bare set file: subjects and categories, no reasons.
func checkSet(file string) (func(input, language string) verdict, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if err := set.Verify(data); err != nil {
		return nil, fmt.Errorf("couldn't read %s as a set: %w", file, err)
	}
	list, err := set.Open(data)
	if err != nil {
		return nil, fmt.Errorf("couldn't read %s as a set: %w", file, err)
	}
	return func(input, language string) verdict {
		things, err := feed.Things(input, language)
		for _, thing := range things {
			for _, s := range append(thing, subject.Further(thing)...) {
				if class, ok := list.Lookup(s.Digest()); ok {
					return tell(checker.Finding{Verdict: checker.Listed, Subject: s, Category: category.Category(class)})
				}
			}
		}
		if err != nil {
			return tell(checker.Finding{Cause: err})
		}
		return verdict{Verdict: checker.Unlisted.String()}
	}, nil
}

// store reads the published paths of one head from a data directory.
type store struct {
	blobs *blob.Dir
	note  []byte
}

func (s store) get(path string, limit int64) ([]byte, error) {
	name := strings.TrimPrefix(path, "/v1/")
	if name == "head" {
		return s.note, nil
	}
	if bucket, ok := strings.CutPrefix(name, "bucket/"); ok {
		head, err := release.ReadHead(s.note)
		if err != nil {
			return nil, err
		}
		prefix, ok := strings.CutPrefix(bucket, strconv.FormatUint(head.Sequence, 10)+"/")
		if !ok {
			return nil, blob.ErrNotFound
		}
		return publish.Bucket(s.blobs, head, prefix)
	}
	return s.blobs.Get(name, limit)
}
