package sqsqueue_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/shared/queue"
	"millrace/shared/queue/sqsqueue"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		body, want string
		err        error
	}{
		{`{"v":1,"p":"x#1#a"}`, "x#1#a", nil},
		{` { "p" : "x#1#日本" , "v" : 1 , "later" : [] } `, "x#1#日本", nil},
		{`{"v":2,"p":"x#1#a"}`, "", queue.ErrVersion},
		{`{"v":7}`, "", queue.ErrVersion},
		{`{"v":0,"p":"x#1#a"}`, "", queue.ErrBody},
		{`{"v":-1,"p":"x#1#a"}`, "", queue.ErrBody},
		{`{"p":"x#1#a"}`, "", queue.ErrBody},
		{`{"v":1,"p":""}`, "", queue.ErrBody},
		{`{"v":1,"p":5}`, "", queue.ErrBody},
		{`{"v":1,"p":"` + strings.Repeat("p", 2049) + `"}`, "", queue.ErrBody},
		{`{"v":1,"p":"x#1#a"`, "", queue.ErrBody},
		{`x#1#a`, "", queue.ErrBody},
		{`null`, "", queue.ErrBody},
		{``, "", queue.ErrBody},
	} {
		got, err := sqsqueue.Decode(c.body)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Decode(%.60s): %q, %v, want %q, %v", c.body, got, err, c.want, c.err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, p := range []string{"", "x#\xff", strings.Repeat("p", 2049)} {
		if body, err := sqsqueue.Encode(p); err == nil {
			t.Errorf("Encode(%.20q): %s", p, body)
		}
	}
}

// FuzzBody: what is encoded comes back, and holds only characters that SQS takes.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"x#1#a", "", "\x00", "\ufffe\uffff", `"quoted" <&>`, `{"v":1,"p":"x"}`, `{"v":9}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := sqsqueue.Decode(s); err == nil && p == "" {
			t.Errorf("Decode(%q) gives nothing", s)
		}
		body, err := sqsqueue.Encode(s)
		if err != nil {
			return
		}
		for _, r := range body {
			if r < ' ' || r > '~' {
				t.Errorf("Encode(%q) has %U", s, r)
			}
		}
		if p, err := sqsqueue.Decode(body); err != nil || p != s {
			t.Errorf("Decode(Encode(%q)): %q, %v", s, p, err)
		}
	})
}
