package interp_test

import (
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// TestPartialStepIsReady cuts steps short: the stored state then says that a scope can advance.
func TestPartialStepIsReady(t *testing.T) {
	m := parse(t, stateMachine(`{Name: a, Type: Pass, Next: b}`,
		`{Name: b, Type: Pass, End: true}`), flow.Standard)
	limits := flow.DefaultLimits()
	f := facts(m, decode(t, `{}`))
	s := interp.New(f)
	for !s.Final() {
		fx := interp.Step(m, &limits, s, interp.StepInput{At: start, EventsMax: 1})
		if s.Final() {
			break
		}
		read := interp.New(f)
		read.LastEvent, read.LastTime = s.LastEvent, s.LastTime
		if err := read.DecodeBody(s.AppendBody(nil)); err != nil {
			t.Fatal(err)
		}
		if !fx.More || !s.Ready() || !read.Ready() {
			t.Fatalf("after event %d: more %v, ready %v, read again %v", s.LastEvent, fx.More,
				s.Ready(), read.Ready())
		}
	}
}
