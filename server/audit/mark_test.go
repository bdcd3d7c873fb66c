package audit

import "testing"

// A mark of the audit log that is read is written as it was meant.
func FuzzParseMark(f *testing.F) {
	f.Add("12:" + "5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a5f3a")
	f.Add("5f3a")
	f.Add("-1:")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMark(text)
		if err != nil {
			return
		}
		if m.Hash == [32]byte{} {
			t.Fatalf("%q is taken for an entry, and means none", text)
		}
		if m.Seq == 0 { // the hash alone
			return
		}
		if again, err := ParseMark(m.String()); err != nil || again != m {
			t.Fatalf("%q is %v, and that is %v, %v", text, m, again, err)
		}
	})
}
