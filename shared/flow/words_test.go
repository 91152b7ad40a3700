package flow_test

import (
	"strings"
	"testing"

	"millrace/shared/flow"
)

func TestNames(t *testing.T) {
	for name, want := range map[string][2]bool{ // ValidName, ValidLookup
		"a": {true, true}, "_": {true, true}, "A-9_z": {true, true},
		strings.Repeat("a", 128): {true, true},
		"":                       {}, "a b": {}, "ä": {}, "a/b": {}, strings.Repeat("a", 201): {},
		"9a": {false, true}, "-a": {false, true}, "a:b": {false, true},
		strings.Repeat("a", 129): {false, true},
	} {
		if got := [2]bool{flow.ValidName(name), flow.ValidLookup(name)}; got != want {
			t.Errorf("%q: want %v, got %v", name, want, got)
		}
	}
}

func TestStatuses(t *testing.T) {
	for s := flow.Starting; s <= flow.TimedOut; s++ {
		if got, ok := flow.ParseStatus(s.String()); !ok || got != s {
			t.Errorf("%v became %v", s, got)
		}
		if s.Final() != (s >= flow.Stopped) {
			t.Errorf("%v is final: %v", s, s.Final())
		}
	}
	if _, ok := flow.ParseStatus("running"); ok {
		t.Error("a status in lower case is taken")
	}
}

func TestEventTypes(t *testing.T) {
	seen := map[string]bool{}
	for e := range flow.EventType(1000) {
		name := e.String()
		if name == "Unknown" {
			continue
		}
		if name == "" || seen[name] {
			t.Errorf("type %d is %q", e, name)
		}
		seen[name] = true
	}
	if len(seen) != 29 || flow.EventType(7).String() != "Unknown" {
		t.Errorf("%d types have names: %v", len(seen), seen)
	}
}

func TestFormatTime(t *testing.T) {
	for ms, want := range map[int64]string{0: "", 1: "1970-01-01T00:00:00.001Z",
		1_700_000_000_000: "2023-11-14T22:13:20.000Z"} {
		if got := flow.FormatTime(ms); got != want {
			t.Errorf("%d: %q", ms, got)
		}
	}
}

func TestKinds(t *testing.T) {
	if flow.Pass.String() != "Pass" || flow.Task.String() != "Task" {
		t.Error("a kind has another name")
	}
}
