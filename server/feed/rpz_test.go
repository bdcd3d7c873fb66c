package feed

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// The zone of somebody else, with traps. A name and all below it are one entry, and so is what leads to a page of the
// resolver.
func TestAZoneOfOthers(t *testing.T) {
	wants(t, said(t, readRPZ(vector(t, "exchange/filterlists/rpz.txt"), Preset{})), `
line 5 lucky-gift.example/
line 7 refused: a rule about an address or a server, not about a name: rpz-ip
line 8 walled.example/
line 9 refused: a rule that does not block: rpz-passthru.
`)
	wants(t, said(t, readRPZ(vector(t, "exchange/certpl/domains_rpz.db"), Preset{})), `
line 4 lucky-gift.example/
`)
}

// A zone may be written with its own name, in brackets, with the owner left out and with comments.
func TestHowZonesAreWritten(t *testing.T) {
	wants(t, said(t, readRPZ(strings.NewReader(`$ORIGIN rpz.lists.example.
@ 3600 IN SOA ns.lists.example. admin.lists.example. (
    2026113001 ; serial (
    3600 600 ) 86400
@ IN TXT "a ; ( text"
	IN NS localhost.
a.example.rpz.lists.example. 300 IN CNAME *.
*.A.example IN CNAME .
b.example CNAME rpz-drop. ; because
	CNAME .
c.example A 0.0.0.0
 AAAA ::
d.example TXT "no block"
e.example CNAME rpz-tcp-only.
f.example.elsewhere.example. CNAME .
g.example CNAME g.example
32.1.0.0.10.rpz-client-ip CNAME .
ns.example.rpz-nsdname CNAME .
$GENERATE 0-65535 h$.example CNAME .
$INCLUDE /etc/passwd
$ORIGIN sub
i.example CNAME .
$ORIGIN rpz.lists.example.
a\.b.example CNAME .
j.example CNAME
k.example CNAME . ( l.example
`), Preset{})), `
line 7 a.example/
line 9 b.example/
line 11 c.example/
line 13 refused: a rule that does not block: a record of the type TXT
line 14 refused: a rule that does not block: rpz-tcp-only.
line 15 refused: a name outside of the zone
line 16 refused: a rule that does not block: g.example.rpz.lists.example.
line 17 refused: a rule about an address or a server, not about a name: rpz-client-ip
line 18 refused: a rule about an address or a server, not about a name: rpz-nsdname
line 19 refused: a directive that is not followed: $GENERATE
line 20 refused: a directive that is not followed: $INCLUDE
line 22 i.example.sub/
line 24 refused: no host name: letters, digits, hyphens and underscores between dots, or an IP address
line 25 refused: not a record of a DNS zone
line 26 refused: not a record of a DNS zone: a bracket is not closed
`)
}

// An open bracket may not gather the whole list.
func TestABracketWithoutAnEnd(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("a.example CNAME (\n"), io.LimitReader(of('\n'), 1<<20), io.LimitReader(of('a'), 64<<20), strings.NewReader("\nb.example CNAME ."))
	got := said(t, readRPZ(endless, Preset{}))
	if !strings.HasSuffix(got, " b.example/\n") || strings.Count(got, "\n") > 3 {
		t.Error(got)
	}
}

func FuzzRPZ(f *testing.F) {
	f.Add("$ORIGIN rpz.example.\n@ SOA a. b. 1 2 3 4 5\na.example CNAME .\n  A 0.0.0.0\n*.b.example CNAME x.example.\n$GENERATE 1-9 a CNAME .")
	f.Fuzz(func(t *testing.T, text string) {
		for c, err := range readRPZ(strings.NewReader(text), Preset{}) {
			if _, ok := errors.AsType[*Refused](err); !ok && err != nil {
				t.Fatal(err)
			} else if err == nil {
				checkClaim(t, c)
			}
		}
	})
}
