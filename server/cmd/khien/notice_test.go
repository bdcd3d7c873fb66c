package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"khien/server/notice"
)

// hooked is a webhook as it came.
type hooked struct {
	header http.Header
	body   []byte
}

// scriptReceiver listens as a platform does that takes whatever it is told.
func scriptReceiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: receiver")
	}
	came := make(chan hooked, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		came <- hooked{r.Header, body}
		w.WriteHeader(http.StatusNoContent)
	}))
	ts.Defer(server.Close)
	ts.Value("receiver").(*receiver).came = came
	ts.Setenv("RECEIVER", server.URL+"/hooks")
}

// receiver is what came to the platform of a script.
type receiver struct {
	came chan hooked
	all  []hooked
}

func scriptReceived(ts *testscript.TestScript, neg bool, args []string) {
	r := ts.Value("receiver").(*receiver)
	if neg || len(args) != 2 || r.came == nil {
		ts.Fatalf("usage: receiver, then received N FILE")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	for late := time.After(time.Minute); len(r.all) < n; {
		select {
		case one := <-r.came:
			r.all = append(r.all, one)
		case <-late:
			ts.Fatalf("%d webhooks came", len(r.all))
		}
	}
	one := r.all[n-1]
	secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(ts.ReadFile(args[1])), "whsec_"))
	ts.Check(err)
	at, err := strconv.ParseInt(one.header.Get("webhook-timestamp"), 10, 64)
	ts.Check(err)
	if got := one.header.Get("webhook-signature"); got != notice.Signature(secret, one.header.Get("webhook-id"), at, one.body) {
		ts.Fatalf("webhook %d is not signed: %s", n, got)
	}
	fmt.Fprintf(ts.Stdout(), "%s\n", one.body)
}

func scriptAnswered(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: answered FILE REFERENCE")
	}
	text := "reference,decision,decided_at,platform_reference\n" + args[1] + ",removed,2026-11-28T09:00:00Z,FB-4711\nKH-2026-999999,removed,2026-11-28T09:00:00Z,\n"
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
