package charset_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"millrace/shared/charset"
)

func TestUTF8(t *testing.T) {
	for _, c := range []struct{ kind, body, want string }{
		{"", "é", "é"},
		{"", "\uFEFFé", "é"},
		{"", "\uFEFF\uFEFFé", "\uFEFFé"},
		{"application/json", "\uFEFF{}", "{}"},
		{"application/json; charset=utf-8", "\uFEFFé", "é"},
		{`application/json; x=y; Charset = "UTF8" ; z`, "é", "é"},
		{"text/plain; charset=", "é", "é"},
		{"text/plain; charset", "é", "é"},
		{"text/charset=gbk", "é", "é"},
		{"text/plain; charset=us-ascii", "a", "a"},
		{"text/plain; charset=gbk; charset=utf-8", "\xd6\xd0", "中"},
		{"text/plain;charset=GB2312", "a\xd6\xd0|", "a中|"},
		{"text/plain;charset='gb18030'", "\x81\x30\x81\x30\xfe\x50", "\u0080⺁"},
		{"text/plain;charset=latin1", "a\xe9\x80\xff", "aé\u0080ÿ"},
		{"text/plain;charset=windows-1252", "a\xe9\x80\x81\x8e\x9f\xa0\xff", "aé€\u0081ŽŸ\u00a0ÿ"},
		{"text/plain;charset=utf-16", "\x00a\x4e\x2d", "a中"},
		{"text/plain;charset=utf-16", "\xfe\xff\x00a\xd8\x3d\xde\x00", "a😀"},
		{"text/plain;charset=UTF-16", "\xff\xfea\x00\x3d\xd8\x00\xde", "a😀"},
		{"text/plain;charset=utf-16le", "a\x00\x2d\x4e", "a中"},
		{"text/plain;charset=utf-16be", "\xfe\xff\x4e\x2d", "中"},
		{"text/plain;charset=big5", "", ""},
	} {
		got, err := charset.UTF8(c.kind, []byte(c.body))
		if err != nil || string(got) != c.want {
			t.Errorf("%s, %q: %q, %v, want %q", c.kind, c.body, got, err, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ kind, body string }{
		{"text/plain;charset=big5", "a"},
		{"text/plain;charset=utf-7", "+AGE-"},
		{"text/plain;charset=gbk", "\xd6"},
		{"text/plain;charset=gbk", "\xff\xff"},
		// U+FFFD itself: a sender has lost a character before.
		{"text/plain;charset=gb18030", "\x84\x31\xa4\x37"},
		{"text/plain;charset=utf-16", "a"},
		{"text/plain;charset=utf-16", "\xd8\x3d"},
		{"text/plain;charset=utf-16", "\xd8\x3d\x00a"},
		{"text/plain;charset=utf-16", "\xde\x00\xd8\x3d"},
	} {
		got, err := charset.UTF8(c.kind, []byte(c.body))
		if err == nil || !strings.Contains(err.Error(), `Content-Type "`+c.kind+`"`) {
			t.Errorf("%s, %q: %q, %v", c.kind, c.body, got, err)
		}
	}
}

func TestForeign(t *testing.T) {
	for kind, want := range map[string]bool{"": false, "text/plain": false,
		"text/plain;charset=UTF-8": false, "text/plain;charset=ascii": false,
		"text/plain;charset=gbk": true, "text/plain;charset=big5": true} {
		if charset.Foreign(kind) != want {
			t.Errorf("%s: %v", kind, !want)
		}
	}
}

func TestHeader(t *testing.T) {
	for s, want := range map[string]string{"a": "a", "é": "é", "\xe9": "é", "é\xe9": "Ã©é"} {
		if got := charset.Header(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}

// FuzzUTF8: two different bodies with the same Content-Type never become the same text, except for
// the byte order mark and for two encodings of one character.
func FuzzUTF8(f *testing.F) {
	for _, name := range []string{
		"gbk", "utf-16", "utf-16le", "latin1", "windows-1252", "utf-8", "x",
	} {
		f.Add("a/b;charset="+name, []byte("\x84\x31\xa4\x37\xd8\x3d\xde\x00"))
	}
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		text, err := charset.UTF8(kind, body)
		switch {
		case err != nil && !utf8.ValidString(err.Error()):
			t.Errorf("the error is %q", err)
		case err == nil && charset.Foreign(kind) && len(body) > 0 && !utf8.Valid(text):
			t.Errorf("%q", text)
		case err == nil && !charset.Foreign(kind) && !bytes.HasSuffix(body, text):
			t.Errorf("%q became %q", body, text)
		}
	})
}
