package interp_test

import (
	"bytes"
	"runtime"
	"testing"

	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/tests/support/flowgen"
)

// inTheMiddle runs generated executions and calls f while each is in the middle of its work.
func inTheMiddle(t testing.TB, seeds uint64, f func(seed uint64, d *driver)) {
	for seed := range seeds {
		g := flowgen.Generate(seed)
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
	p := newer{kinds: map[string]int{}}
	for _, b := range bodies(f) {
		f.Add(b)
		f.Add(p.add(f, "body", b))
	}
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{1}, 5000))
	f.Add(append([]byte{0x1b, 0x80, 0x40}, bytes.Repeat([]byte{0x3b}, 300)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := interp.New(interp.Facts{Dialect: flow.StateMachine, Input: flow.Empty()})
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
		whole := map[int]bool{0: true} // the row knows how long its body is
		for n, r := 0, flow.ReadFields(b); r.Next(); whole[n] = true {
			var field []byte
			r.Keep(&field)
			n += len(field)
		}
		for n := range b {
			s := interp.New(interp.Facts{Input: flow.Empty()})
			if err := s.DecodeBody(b[:n:n]); err == nil && !whole[n] {
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
	for n, want := range map[int]bool{10: true, 900: true, 1100: false, 20_000: false} {
		// A scope with an open entry, around its only running scope.
		var scope []byte
		for range n {
			var entry, outer flow.FieldWriter
			entry.Uint(2, 1)
			entry.Uint(5, 6)
			entry.Message(15, scope)
			outer.Message(7, entry.Buf)
			scope = outer.Buf
		}
		var body flow.FieldWriter
		body.Message(3, scope)
		err := interp.New(interp.Facts{Input: flow.Empty()}).DecodeBody(body.Buf)
		if (err == nil) != want {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}

// TestDecodeHostile: a body that claims to hold very much is rejected, or takes memory by its
// length.
func TestDecodeHostile(t *testing.T) {
	nested := func(entry ...byte) []byte { // a body whose open entry has these fields, after others
		var inner, scope, body flow.FieldWriter
		inner.Uint(2, 1)
		inner.Uint(5, 6)
		inner.Uint(11, 1<<31-1)
		inner.Unknown(entry)
		scope.Message(7, inner.Buf)
		body.Message(3, scope.Buf)
		return body.Buf
	}
	results := func(list ...byte) []byte {
		var w flow.FieldWriter
		w.Message(14, list)
		return nested(w.Buf...)
	}
	many := func(field ...byte) []byte { return bytes.Repeat(field, 20_000) }
	for name, c := range map[string]struct {
		body []byte
		ok   bool
	}{
		"missing results":        {results(many(2<<3, 64)...), true},
		"too many at once":       {results(2<<3, 65), false},
		"blocks":                 {results(many(3<<3|3, 2, 3<<3, 1)...), true},
		"blocks without a place": {results(many(3<<3|3, 0)...), false},
		"scopes":                 {nested(many(15<<3|3, 0)...), true},
		"outbox":                 {many(2<<3|3, 0), true},
		"globals":                {many(1<<3|3, 0), true},
		"open entries":           {many(3<<3|3, 2, 7<<3|3, 0), false},
		"unknown fields":         {many(9<<3, 1), true},
		"a field without end":    {many(9<<3|2, 0xff, 0xff, 0xff, 0xff), false},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := interp.New(interp.Facts{Input: flow.Empty()}).DecodeBody(c.body)
		runtime.ReadMemStats(&after)
		took := after.TotalAlloc - before.TotalAlloc
		if (err == nil) != c.ok || took > uint64(2000*len(c.body)+10_000) {
			t.Errorf("%s: %v, %d bytes took %d", name, err, len(c.body), took)
		}
	}
}
