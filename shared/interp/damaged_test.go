package interp_test

import (
	"bytes"
	"runtime"
	"testing"

	"millrace/shared/interp"
)

// TestDamagedSteps advances executions whose bodies have one changed byte. Every step must end and
// must use bounded memory. It may panic: the engine recovers from that.
func TestDamagedSteps(t *testing.T) {
	advanced := 0
	inTheMiddle(t, 4, func(seed uint64, d *driver) {
		for n := range d.body {
			for _, other := range []byte{0xff, 0x80, 0x01} {
				s := interp.New(d.facts)
				s.LastEvent, s.LastTime = d.state.LastEvent, d.state.LastTime
				body := bytes.Clone(d.body)
				body[n] ^= other
				if s.DecodeBody(body) != nil {
					continue
				}
				advanced++
				if took := d.advanceDamaged(s); took > 32<<20 {
					t.Errorf("seed %d, step %d, byte %d by %#x: %d MB", seed, d.steps, n, other,
						took>>20)
				}
			}
		}
	})
	if advanced < 1000 {
		t.Errorf("only %d were advanced", advanced)
	}
}

// advanceDamaged advances a state until it ends, needs a value that does not exist, or panics. It
// returns the memory that this used, in bytes.
func (d *driver) advanceDamaged(s *interp.State) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	func() {
		defer func() { _ = recover() }()
		for round := 0; round < 30 && !s.Final(); round++ {
			fx := interp.Step(d.m, &d.limits, s, interp.StepInput{At: d.now,
				Lease: &interp.LeaseOptions{Max: 1000, Owner: owner}, EventsMax: 9})
			for _, v := range fx.Need {
				text, err := d.storedText(v.Ref())
				if err != nil {
					return
				}
				v.Load(text)
			}
			s.AppendBody(nil)
		}
	}()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
