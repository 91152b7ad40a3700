package queue_test

import (
	"errors"
	"strings"
	"testing"

	"millrace/shared/queue"
)

func TestBody(t *testing.T) {
	for _, p := range []string{"x#id#name", "x#id#n:1", "ü\"\\"} {
		got, err := queue.ParseBody(queue.Body(p))
		if err != nil || got != p {
			t.Errorf("%q: %q %v", p, got, err)
		}
	}
	for text, want := range map[string]error{
		"":                       queue.ErrBody,
		"not json":               queue.ErrBody,
		"{}":                     queue.ErrBody,
		"7":                      queue.ErrBody,
		`{"v":1}`:                queue.ErrBody,
		`{"v":2,"p":"x"}`:        queue.ErrVersion,
		`{"v":"1","p":"x"}`:      queue.ErrBody,
		strings.Repeat("x", 1e6): queue.ErrBody,
	} {
		if _, err := queue.ParseBody(text); !errors.Is(err, want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzParseBody(f *testing.F) {
	f.Add(queue.Body("x#a#b"))
	f.Add(`{"v":1,"p":""}`)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := queue.ParseBody(text)
		if err != nil {
			return
		}
		if again, err := queue.ParseBody(queue.Body(p)); err != nil || again != p {
			t.Fatalf("%q: %q %v", p, again, err)
		}
	})
}
