package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Each request of a flood meets the same fault.
func TestAFaultDoesNotFillTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		log := newLog(&out)
		for range 10_000 {
			log.Error("couldn't answer a page", "part", "register")
			log.With("part", "appeal").WithGroup("x").Error("couldn't answer a page")
			time.Sleep(time.Millisecond)
		}
		log.Warn("something else")
		time.Sleep(time.Minute)
		log.Warn("something else")
		log.Error("couldn't answer a page", "part", "register")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != sameInAMinute+3 {
			t.Errorf("%d lines: %s", len(lines), out.String())
		}
		if !strings.Contains(lines[len(lines)-3], "something else") {
			t.Error("what is rare was not said")
		}
		if !strings.Contains(lines[len(lines)-1], "unsaid=19990") {
			t.Errorf("it was not told how often it was left out: %s", lines[len(lines)-1])
		}
	})
}
