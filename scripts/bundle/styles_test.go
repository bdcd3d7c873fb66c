package main

import (
	"strings"
	"testing"
)

func TestStylesKnowNoSides(t *testing.T) {
	if err := house.styles(); err != nil {
		t.Error(err)
	}
	f := func(sheet, want string) {
		t.Helper()
		if got := strings.Join(physical(sheet), " | "); got != want {
			t.Errorf("physical(%q) = %q, want %q", sheet, got, want)
		}
	}
	f("p { margin-left: 4px; }", "margin-left: 4px")
	f("p { left: 0 }", "left: 0")
	f("p { border-top-right-radius: 4px }", "border-top-right-radius: 4px")
	f("@media (max-width: 480px) { p { color: red; text-align:right } }", "text-align: right")
	f("p { padding: 1px 2px 3px 4px; inset: 0 1px 0 1px }", "padding: 1px 2px 3px 4px")
	f("p { border-radius: 4px 12px 12px 4px }", "border-radius: 4px 12px 12px 4px")
	f("p { transform: translateX(4px) }", "transform: translateX(4px)")
	f("p { float: left }", "float: left")

	f("/* left: 0 */ p::before { content: \"left: 0;\"; margin-inline-start: 4px }", "")
	f("a:hover { color: red } .left-over:focus { inset-inline-start: 0 }", "")
	f("p { margin: 0 auto; border-radius: 12px 12px 0 0; text-align: start }", "")
}
