package fdl_test

import (
	"strings"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/yamldoc"
)

// TestEndBesideNext: End: true wins over Next and causes a warning; End: false does not.
func TestEndBesideNext(t *testing.T) {
	for end, want := range map[string]int{"true": 1, "false": 0} {
		text := "Type: StateMachine\nSpecVersion: v1\nName: f\nStartAt: A\nStates:\n" +
			"- {Name: A, Type: Pass, Next: A, End: " + end + "}\n"
		m, found := fdl.Parse([]byte(text), fdl.Options{})
		n := 0
		for _, d := range found {
			if d.Severity == yamldoc.Warning && strings.Contains(d.Message, "because End is true") {
				n++
			}
		}
		if m == nil || n != want {
			t.Errorf("End: %s: %v", end, found)
		}
	}
}

// TestTimesOfFlowV1: the constant timestamp of a wait must be an RFC 3339 time.
func TestTimesOfFlowV1(t *testing.T) {
	for at, good := range map[string]bool{"2026-11-30t07:00:00z": true,
		"2016-12-31T23:59:60Z": true, "2026-11-30T07:00:00,5Z": false} {
		text := "version: v1\ntype: flow\nsteps:\n- {type: wait, name: w, timestamp: '" + at +
			"'}\n"
		if m, found := fdl.Parse([]byte(text), fdl.Options{}); (m != nil) != good {
			t.Errorf("%s: %v", at, found)
		}
	}
}
