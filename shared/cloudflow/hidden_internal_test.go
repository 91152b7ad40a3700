package cloudflow

import (
	"slices"
	"strings"
	"testing"
)

// TestHiddenPaths checks which values hidden paths hide: at any depth, in lists, in texts that are
// JSON, in any case of letters, and no others.
func TestHiddenPaths(t *testing.T) {
	paths := newHiddenPaths([]string{"customer.card", "token"})
	for _, c := range []struct{ text, want, paths string }{
		{`{"a":1}`, `{"a":1}`, ""},
		{`{"customer":{"card":"4111","name":"n"}}`,
			`{"customer":{"card":"(hidden)","name":"n"}}`, "customer.card"},
		{`{"card":"shown","Token":{"x":1}}`, `{"Token":"(hidden)","card":"shown"}`, "token"},
		{`{"in":{"customer":[{"card":1},{"card":[2]}]}}`,
			`{"in":{"customer":[{"card":"(hidden)"},{"card":"(hidden)"}]}}`, "customer.card"},
		{`{"body":" {\"token\":\"t\",\"b\":2} "}`, `{"body":"{\"b\":2,\"token\":\"(hidden)\"}"}`,
			"token"},
		{`{"customer":"{\"card\":1}"}`, `{"customer":"{\"card\":\"(hidden)\"}"}`, "customer.card"},
		{`{"body":"\"{\\\"token\\\":1}\""}`, `{"body":"\"{\\\"token\\\":\\\"(hidden)\\\"}\""}`,
			"token"},
		{`[1,{"token":null}]`, `[1,{"token":"(hidden)"}]`, "token"},
		{`{"token":1,"token":2}`, `{"token":"(hidden)"}`, "token"},
		{`{"n": 1e400000,"token":1}`, `{"n":1e400000,"token":"(hidden)"}`, "token"},
		{`{"blanks" : "stay" }`, `{"blanks" : "stay" }`, ""},
	} {
		hidden := &Hidden{}
		got := string(paths.hide([]byte(c.text), hidden))
		if got != c.want || strings.Join(hidden.Paths, " ") != c.paths {
			t.Errorf("%s\n     %s %s\nwant %s %s", c.text, got, hidden.Paths, c.want, c.paths)
		}
	}
}

// TestHiddenPathsParameter checks what the parameter accepts.
func TestHiddenPathsParameter(t *testing.T) {
	got, err := parseHiddenPaths(`["customer.card","卡号"]`)
	if err != nil || !slices.Equal(got, []string{"customer.card", "卡号"}) {
		t.Errorf("%q %v", got, err)
	}
	for _, none := range []string{"", "[]"} {
		if got, err := parseHiddenPaths(none); err != nil || got != nil {
			t.Errorf("%s: %q %v", none, got, err)
		}
	}
	many := `["a` + strings.Repeat(`a","a`, 3) + `"` // not closed
	for _, bad := range []string{"a", "{}", "[1]", `[""]`, `["a."]`, `[".a"]`, `["a..b"]`,
		`["a[0]"]`, `["$.a"]`, `["a.*"]`, `["a","a"]`, many,
		`["` + strings.Repeat("a", 257) + `"]`} {
		if got, err := parseHiddenPaths(bad); err == nil {
			t.Errorf("%s is accepted: %q", bad, got)
		}
	}
}

// TestShape checks what is shown of a hidden value.
func TestShape(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":1},"c":2}`: "(hidden: object of 2, 19 bytes)",
		`[]`:                  "(hidden: array of 0, 2 bytes)",
		`"x"`:                 "(hidden: string, 3 bytes)",
		`12`:                  "(hidden: number, 2 bytes)",
		`true`:                "(hidden: boolean, 4 bytes)",
		`null`:                "(hidden: null, 4 bytes)",
	} {
		if got := shapeOf([]byte(text)).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
