package gate

import (
	"net/netip"
	"strings"
)

// Proxies are the machines in front of the server that tell for whom they ask.
type Proxies struct {
	Header string         // in which they do, such as X-Real-IP, X-Forwarded-For or Forwarded; empty for no proxies
	From   []netip.Prefix // where they are
}

// Loopback are proxies on this machine.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func (p Proxies) trusts(addr netip.Addr) bool {
	if p.Header == "" {
		return false
	}
	for _, from := range p.From {
		if from.Contains(addr) {
			return true
		}
	}
	return false
}

// Client is for whom a peer asks that sent this header, several lines of it joined by commas. Each proxy appends where
// it was asked from, so it is read from its end, as far as proxies wrote it: what stands before, the client may have
// made up. Where a proxy tells no address, it is the proxy.
func (p Proxies) Client(peer netip.Addr, header string) netip.Addr {
	addr := plain(peer)
	for p.trusts(addr) && header != "" {
		at := strings.LastIndexByte(header, ',')
		hop, ok := hopAddr(header[at+1:], strings.EqualFold(p.Header, "Forwarded"))
		if !ok {
			break
		}
		addr, header = hop, header[:max(at, 0)]
	}
	return addr
}

// hopAddr reads what one proxy tells: an address, with a port or without, or in the form of RFC 7239.
func hopAddr(text string, forwarded bool) (addr netip.Addr, ok bool) {
	if forwarded {
		found := false
		for pair := range strings.SplitSeq(text, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if strings.EqualFold(name, "for") && !found {
				text, found = strings.Trim(value, `"`), true
			}
		}
		if !found {
			return addr, false
		}
	}
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return plain(both.Addr()), true
	}
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		text, bracketed = strings.CutSuffix(inner, "]")
		if !bracketed {
			return addr, false
		}
	}
	addr, err := netip.ParseAddr(text)
	return plain(addr), err == nil
}
