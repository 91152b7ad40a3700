package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// faults is what goes wrong in a run, each as the chance of it in 10,000.
type faults struct {
	rand *rand.Rand

	throttle int // a call of the store is refused, nothing done
	lost     int // a write is carried out, its answer lost
	late     int // a write is given up by its caller and carried out later
	partial  int // the rows beside a conditional write are there, the write is not
	before   int // the process dies before a write
	after    int // the process dies after a write
	crash    int // a process dies, at any step
	keep     int // what a dead process has sent is still carried out

	hintLost  int
	hintTwice int
	hintLate  int
	hintStray int // a hint names something that it was not sent for

	slow    int // time passes while operations wait
	network int // a request or its answer is lost
	skew    time.Duration
	jump    int // the clock of a process moves, within skew
	lag     int // an index is not brought up to date
	freeze  int // a process is frozen for a while, and goes on with what it knew
}

// drawFaults draws what goes wrong. Many runs have few kinds of fault, so that what one kind does is not hidden by
// others.
func drawFaults(r *rand.Rand) *faults {
	f := &faults{rand: r}
	some := func(most int) int {
		switch r.IntN(4) {
		case 0:
			return 0
		case 1:
			return most / 10
		case 2:
			return most / 3
		}
		return most
	}
	if r.IntN(3) > 0 {
		f.throttle, f.lost, f.late, f.partial = some(500), some(1000), some(300), some(300)
	}
	if r.IntN(3) > 0 {
		f.before, f.after, f.crash, f.keep = some(150), some(150), some(30), some(6000)
	}
	if r.IntN(3) > 0 {
		f.hintLost, f.hintTwice, f.hintLate, f.hintStray = some(4000), some(2000), some(2000), some(300)
	}
	if r.IntN(3) > 0 {
		f.slow, f.network = some(600), some(500)
	}
	if r.IntN(2) == 0 {
		f.skew, f.jump = time.Duration(r.IntN(4001))*time.Millisecond, some(100)
	}
	f.lag = some(8000)
	return f
}

// String gives the chances.
func (f *faults) String() string {
	return fmt.Sprintf("throttle %d lost %d late %d partial %d, before %d after %d crash %d keep %d, hints lost %d twice %d late %d stray %d, slow %d network %d, skew %v jump %d, lag %d freeze %d",
		f.throttle, f.lost, f.late, f.partial, f.before, f.after, f.crash, f.keep, f.hintLost, f.hintTwice, f.hintLate, f.hintStray, f.slow, f.network, f.skew, f.jump, f.lag, f.freeze)
}

// hit draws whether a fault of a chance in 10,000 happens.
func (f *faults) hit(chance int) bool { return chance > 0 && f.rand.IntN(10_000) < chance }

// freezes are how long a process is frozen: shorter and longer than leases, requests and the time between two sweeps.
var freezes = [...]time.Duration{3 * time.Second, 25 * time.Second, 100 * time.Second, 4 * time.Minute, 12 * time.Minute}

// pauses are how long time passes while operations wait.
var pauses = [...]time.Duration{time.Millisecond, 20 * time.Millisecond, 300 * time.Millisecond, time.Second, 4 * time.Second, 15 * time.Second, 70 * time.Second}

// pause draws whether time passes, and how much.
func (f *faults) pause() time.Duration {
	if !f.hit(f.slow) {
		return 0
	}
	return pauses[f.rand.IntN(len(pauses))]
}
