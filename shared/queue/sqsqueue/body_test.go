package sqsqueue_test

import (
	"testing"

	"millrace/shared/queue/queuetest"
	"millrace/shared/queue/sqsqueue"
)

func TestBodies(t *testing.T) { queuetest.Bodies(t, sqsqueue.Encode, sqsqueue.Decode) }

// FuzzBody: Decode returns what was encoded, and bodies contain only characters that SQS accepts.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		"x#1#a", "", "\x00", "\ufffe\uffff", `"quoted" <&>`, `{"v":1,"p":"x"}`, `{"v":9}`,
	} {
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
