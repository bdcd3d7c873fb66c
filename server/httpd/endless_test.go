package httpd

import (
	"io"
	"strings"
	"testing"
	"time"
)

// A client goes on sending one part of a request for as long as it is taken. What the server takes of it is bounded.
func TestEndlessRequestsEnd(t *testing.T) {
	const most = 16 << 20 // with what the system keeps of both ends
	post := "POST /v1/reports HTTP/1.1\r\nHost: khien.example\r\nContent-Type: application/json\r\n"
	for name, one := range map[string]struct{ start, more string }{
		"a name in the path":     {"GET /", "a"},
		"a header":               {"GET /healthz HTTP/1.1\r\nX: ", "a"},
		"headers":                {"GET /healthz HTTP/1.1\r\nHost: khien.example\r\n", "X: a\r\n"},
		"line ends":              {"", "\r\n"},
		"a body":                 {post + "Content-Length: 1000000000\r\n\r\n", "{"},
		"a picture":              {strings.Replace(post, "reports", "pictures", 1) + "Content-Length: 1000000000\r\n\r\n", "{"},
		"chunks":                 {post + "Transfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n"},
		"a chunk":                {post + "Transfer-Encoding: chunked\r\n\r\nfffffff\r\n", "{"},
		"the size of a chunk":    {post + "Transfer-Encoding: chunked\r\n\r\n", "0"},
		"an extension":           {post + "Transfer-Encoding: chunked\r\n\r\n1;", "a"},
		"a trailer":              {post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\n{\r\n0\r\nX: ", "a"},
		"trailers":               {post + "Transfer-Encoding: chunked\r\nTrailer: X\r\n\r\n1\r\n{\r\n0\r\n", "X: a\r\n"},
		"a body to be continued": {post + "Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n", "{"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			c, err := dial("127.0.0.2", f.run(t))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go io.Copy(io.Discard, c)
			c.SetWriteDeadline(time.Now().Add(time.Minute))
			sent, more := 0, strings.Repeat(one.more, 4096/len(one.more))
			for text := one.start; sent <= most; text = more {
				n, err := io.WriteString(c, text)
				if sent += n; err != nil {
					return
				}
			}
			t.Errorf("%d bytes were taken", sent)
		})
	}
}
