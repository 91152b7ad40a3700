package interp_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"millrace/shared/interp"
)

// tokenOf returns a token of an execution with these facts, and the execution.
func tokenOf(t *testing.T, change func(*interp.Facts)) (string, *interp.State) {
	r := newHarness(t, stateMachine(fc("a", `TaskMode: WaitForCustomCallback, End: true`)), `{}`)
	change(&r.s.Facts)
	return r.step(0).Calls[0].Token, r.s
}

func TestTokenCovers(t *testing.T) {
	token, s := tokenOf(t, func(*interp.Facts) {})
	parsed, ok := interp.ParseToken(token)
	if !ok || parsed.Flow != "flow" || parsed.Execution != "exec" || parsed.ID != 4 ||
		!s.Valid(parsed) {
		t.Fatalf("%v %+v", ok, parsed)
	}
	for name, change := range map[string]func(*interp.Facts){
		"account": func(f *interp.Facts) { f.Account = "2" },
		"flow id": func(f *interp.Facts) { f.FlowID = "other" },
		"run":     func(f *interp.Facts) { f.Run++ },
		"seed":    func(f *interp.Facts) { f.Seed[0]++ },
		"border between account and flow id": func(f *interp.Facts) {
			f.Account, f.FlowID = "1i",
				"d"
		},
	} {
		other, o := tokenOf(t, change)
		foreign, _ := interp.ParseToken(other)
		if s.Valid(foreign) || o.Valid(parsed) {
			t.Errorf("the token does not cover the %s", name)
		}
	}
	parsed.ID++
	if s.Valid(parsed) {
		t.Error("the token does not cover the id")
	}
}

func TestParseToken(t *testing.T) {
	token, _ := tokenOf(t, func(*interp.Facts) {})
	raw, _ := base64.StdEncoding.DecodeString(token)
	again := func(old, new string) string {
		return base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(raw), old, new, 1)))
	}
	for _, bad := range []string{"", "x", token[1:], token + "A",
		strings.Repeat("A", interp.TokenBytesMax+4), again("v1#", "v2#"), again("#4#", "#0#"),
		again("#4#", "#-4#"), again("#4#", "#x#"), again("#4#", "#99999999999999999999#"),
		again("#4#", "#4#4#"), again("#4#", "#04#"), again("#4#", "#+4#"),
		token[:8] + "\n" + token[8:], token + "\r\n", again("#4#", "#4#\n"),
		again("#4#", "#4#AAAA")} {
		if _, ok := interp.ParseToken(bad); ok {
			t.Errorf("%q is taken for a token", bad)
		}
	}
	if _, ok := interp.ParseToken(again("", "")); !ok {
		t.Error("a token is refused")
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("djEjYSNk")
	f.Add(base64.StdEncoding.EncodeToString([]byte("v1#flow#exec#4#AAAAAAAAAAAAAAAAAAAAAAAAAAA=")))
	f.Fuzz(func(t *testing.T, text string) {
		if token, ok := interp.ParseToken(text); ok && (token.ID <= 0 ||
			strings.Contains(token.Flow+token.Execution, "#")) {
			t.Errorf("%+v", token)
		}
	})
}

func TestChildName(t *testing.T) {
	a, b := interp.ChildName("key"), interp.ChildName("key2")
	if len(a) != 36 || a == b || a != interp.ChildName("key") {
		t.Errorf("%s %s", a, b)
	}
}
