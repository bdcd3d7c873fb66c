package triage

import (
	"bufio"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/server/publish"
)

// One person, with import and publish, lists no host that people use, nothing below it and no folder or page of it, but
// for an exact page where others have their pages. The hosts are those of many public rankings and directories, about
// 10,000 of them, and each is tried in several spellings.
func TestOnePersonListsNobodyHonest(t *testing.T) {
	dbtest.Long(t)
	file, err := os.Open("../../../shared/data/honest-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	defer file.Close()
	const one = 12 // in so many hosts is tried
	tried, hosts, listed := 0, 0, map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		host := strings.TrimSpace(lines.Text())
		if h := fnv.New32a(); host == "" || func() bool { h.Write([]byte(host)); return h.Sum32()%one != 0 }() {
			continue
		}
		hosts++
		for _, text := range []string{
			host, "www." + host, "login." + host, "a.b.c." + host, "http://" + host + ":8443", strings.ToUpper(host) + ".",
			"https://" + host + "/folder/", "https://www." + host + "/a/b/c/d/", "https://" + host + "/hacked/page.html", "https://" + host + "/?id=1",
		} {
			s, _, err := feed.Entry(text)
			if err != nil || s.IsAccount() {
				continue
			}
			tried++
			at, path, _ := strings.Cut(string(s), "/")
			page, _, asks := strings.Cut(path, "?")
			_, rented := publish.Customer(at)
			exact := publish.SharesPages(at) && asks || (publish.SharesPages(at) || rented) && page != "" && !strings.HasSuffix(page, "/")
			if suffix, _ := publicsuffix.PublicSuffix(host); suffix == host && at != host && at != "www."+host {
				continue // anybody can have a name there
			}
			if publish.Permit(s) == nil && (Impact{}).Of(s, 1) == (Reach{}) && !exact {
				listed[host] = text
			}
		}
	}
	for host, text := range listed {
		t.Errorf("%s: one person could list %s", host, text)
	}
	if hosts < 9_000 || tried < 90_000 {
		t.Errorf("%d hosts were tried in %d spellings: too few", hosts, tried)
	}
}
