package interp_test

import (
	"bytes"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/interp"
)

// inTheMiddle runs generated executions and calls f while each is in the middle of its work.
func inTheMiddle(t testing.TB, seeds uint64, f func(seed uint64, d *driver)) {
	for seed := range seeds {
		g := flowtest.Generate(seed)
		m, _ := fdl.Parse([]byte(g.Definition), fdl.Options{Mode: flow.Standard})
		input, err := valueOf(g.Input)
		if err != nil {
			t.Fatal(err)
		}
		limits := flow.DefaultLimits()
		limits.Events = 200
		d := newDriver(t, m, limits, input, g.Tasks, driveMode{stored: true, budget: 9})
		d.afterCommit = func() {
			if d.steps%5 == 1 {
				f(seed, d)
			}
		}
		d.run()
	}
}

// bodies returns bodies of executions in the middle of their work.
func bodies(t testing.TB) (out [][]byte) {
	inTheMiddle(t, 40, func(_ uint64, d *driver) { out = append(out, d.body) })
	return out
}

// FuzzDecodeBody: any bytes decode to an error or to a state, never to a panic, and a decoded state
// can be encoded.
func FuzzDecodeBody(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b)
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 5000))
	f.Add(append([]byte{0, 0, 1}, bytes.Repeat([]byte{0xff}, 300)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := interp.New(interp.Facts{Language: flow.StateMachine, Input: flow.Empty()})
		if err := s.DecodeBody(bytes.Clone(b)); err != nil {
			return
		}
		s.NextWakeTime(0)
		s.Leases()
		s.Unsent()
		once := s.AppendBody(nil)
		again := interp.New(s.Facts)
		if err := again.DecodeBody(bytes.Clone(once)); err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if twice := again.AppendBody(nil); !bytes.Equal(once, twice) {
			t.Fatalf("%q became %q", once, twice)
		}
	})
}

// TestDecodeDamaged: a body that is truncated, or in which one byte has changed, is rejected or
// decoded, and uses no more memory than its length justifies.
func TestDecodeDamaged(t *testing.T) {
	for _, b := range bodies(t) {
		for n := range b {
			s := interp.New(interp.Facts{Input: flow.Empty()})
			if err := s.DecodeBody(b[:n:n]); err == nil {
				t.Fatalf("%d of %d bytes are taken for a body", n, len(b))
			}
			damaged := bytes.Clone(b)
			damaged[n] ^= 0xff
			if s = interp.New(interp.Facts{Input: flow.Empty()}); s.DecodeBody(damaged) == nil {
				s.AppendBody(nil)
			}
		}
	}
}

// TestDecodeNested: a body cannot nest without limit.
func TestDecodeNested(t *testing.T) {
	// A scope with an open entry, followed by its only running scope.
	level := make([]byte, 29)
	level[6], level[11], level[28] = 1, 6, 1
	for n, want := range map[int]bool{10: true, 900: true, 1100: false, 1_000_000: false} {
		body := append([]byte{0, 0, 1, 0}, bytes.Repeat(level, n)...)
		body = append(body, make([]byte, 7)...)
		err := interp.New(interp.Facts{Input: flow.Empty()}).DecodeBody(body)
		if (err == nil) != want {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}
