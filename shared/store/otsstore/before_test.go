package otsstore

import (
	"testing"
	"unicode/utf8"
)

// TestBefore: the bound before a text is UTF-8, no longer than a key may be, and before the text,
// with almost nothing in between.
func TestBefore(t *testing.T) {
	for _, s := range []string{"a", "b#", "h#0001", "é", "日", "\U00010000", "\ue000", "a\x01",
		"\x01", string(make([]byte, 1023)) + "b"} {
		got, ok := before(s).(string)
		if !ok || got >= s || !utf8.ValidString(got) || len(got) > maxKey {
			t.Errorf("before %q: %q", s, before(s))
		}
		r, n := utf8.DecodeLastRuneInString(s)
		if near := s[:len(s)-n] + string(r-1); r != 0xe000 && r > 0 && got < near {
			t.Errorf("before %q: %q lies before %q too", s, got, near)
		}
	}
	for s, want := range map[string]any{"a\x00": "a", "\x00": lowest} {
		if got := before(s); got != want {
			t.Errorf("before %q: %v, want %v", s, got, want)
		}
	}
}
