package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// odds are the odds of one kind of fault, in 10,000.
type odds struct {
	kind string
	of   int
}

// faults are the faults of a run.
type faults struct {
	rand *rand.Rand
	hits map[string]int // how often, by kind

	throttle odds // a call of the store is refused and has no effect
	lost     odds // a write is carried out and its response lost
	late     odds // the caller gives a write up, and it is carried out later
	partial  odds // the rows beside a conditional write are written, that write is not
	before   odds // the process dies before a write
	after    odds // the process dies after a write
	crash    odds // a process dies, at any step
	keep     odds // what a dead process has sent is carried out nevertheless

	hintLost  odds
	hintTwice odds
	hintLate  odds
	hintStray odds // a hint names another partition than it was sent for

	slow    odds // time passes while operations wait
	network odds // a request or its response is lost
	skew    time.Duration
	jump    odds // the clock of a process moves, within skew
	lag     odds // an index is not brought up to date
	freeze  odds // a process is frozen for a while, and then continues with its old knowledge
	outage  odds // the store is unavailable to all processes
}

// drawFaults draws the faults of a run. Many runs have few kinds of fault, so that the effect of
// one kind is not hidden by others.
func drawFaults(r *rand.Rand) *faults {
	f := &faults{rand: r, hits: map[string]int{}}
	some := func(kind string, most int) odds {
		switch r.IntN(4) {
		case 0:
			return odds{kind, 0}
		case 1:
			return odds{kind, most / 10}
		case 2:
			return odds{kind, most / 3}
		}
		return odds{kind, most}
	}
	if r.IntN(3) > 0 {
		f.throttle, f.lost = some("request to the store rejected", 500),
			some("response to a write lost", 1000)
		f.late, f.partial = some("write carried out late", 300), some("half of a write", 300)
	}
	if r.IntN(3) > 0 {
		f.before, f.after = some("death before a write", 150), some("death after a write", 150)
		f.crash, f.keep = some("death at any step", 30), some("write of a dead process kept", 6000)
	}
	if r.IntN(3) > 0 {
		f.hintLost, f.hintTwice = some("hint lost", 4000), some("hint repeated", 2000)
		f.hintLate, f.hintStray = some("hint delayed", 2000), some("hint for something else", 300)
	}
	if r.IntN(3) > 0 {
		f.slow, f.network = some("time passes under operations", 600),
			some("request or response lost", 500)
	}
	if r.IntN(2) == 0 {
		f.skew = time.Duration(r.IntN(5000)) * time.Millisecond
		f.jump = some("clock moved", 100)
	}
	f.lag = some("index behind", 8000)
	return f
}

// all returns the odds in a fixed order.
func (f *faults) all() []*odds {
	return []*odds{&f.throttle, &f.lost, &f.late, &f.partial, &f.before, &f.after, &f.crash,
		&f.keep, &f.hintLost, &f.hintTwice, &f.hintLate,
		&f.hintStray, &f.slow, &f.network, &f.jump, &f.lag, &f.freeze, &f.outage}
}

// String returns the odds.
func (f *faults) String() string {
	text := fmt.Sprintf("clocks within %v", f.skew)
	for _, o := range f.all() {
		if o.of > 0 {
			text += fmt.Sprintf(", %s %d", o.kind, o.of)
		}
	}
	return text
}

// hit draws whether a fault happens.
func (f *faults) hit(o odds) bool {
	if o.of <= 0 || f.rand.IntN(10_000) >= o.of {
		return false
	}
	f.hits[o.kind]++
	return true
}

// freezes are the durations for which a process is frozen: shorter and longer than leases, requests
// and the interval between two sweeps.
var freezes = [...]time.Duration{3 * time.Second, 25 * time.Second, 100 * time.Second,
	4 * time.Minute, 12 * time.Minute}

// pauses are the durations that pass while operations wait.
var pauses = [...]time.Duration{time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond,
	time.Second, 4 * time.Second, 15 * time.Second, 70 * time.Second}

// pause draws whether time passes, and how much.
func (f *faults) pause() time.Duration {
	if !f.hit(f.slow) {
		return 0
	}
	return pauses[f.rand.IntN(len(pauses))]
}
