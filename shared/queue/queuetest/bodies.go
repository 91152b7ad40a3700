package queuetest

import (
	"errors"
	"strings"
	"testing"

	"millrace/shared/queue"
)

// Bodies checks how a queue's messages carry hints in their bodies. Each of forms converts a hint's
// JSON to a body that decode must accept; without forms, the JSON itself is the body.
func Bodies(
	t *testing.T, encode, decode func(string) (string, error), forms ...func(json string) string,
) {
	if len(forms) == 0 {
		forms = []func(string) string{strings.Clone}
	}
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
		for _, form := range forms {
			got, err := decode(form(c.body))
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("Decode(%.60s): %q, %v, want %q, %v", form(c.body), got, err, c.want,
					c.err)
			}
		}
	}
	for _, body := range []string{
		"hunter2 hunter2", `{"password":"hunter2"}`, `{"v":1,"p":"","hunter2":1}`,
		`{"v":"hunter2"}`, `{"v":1,"p":"x","q":hunter2}`,
	} {
		if _, err := decode(body); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("an error, which is logged, quotes a body: %v", err)
		}
	}
	for _, p := range []string{"", "x#\xff", strings.Repeat("p", 2049)} {
		if body, err := encode(p); err == nil {
			t.Errorf("Encode(%.20q): %s", p, body)
		}
	}
}
