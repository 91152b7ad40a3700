package sim

// "lease": no lease is longer than its bound.
//
// A lease lasts LeaseMax, and 10 s for clocks that differ, from the commit that takes the call or renews it, and never 10 s longer
// than the execution may run: a longer one would leave a call of a dead process unmade for as long. 10 s more are allowed for what
// passes between the reading of the clock and the commit, and twice the difference of clocks.
func (w *World) judgeLeases(p *process, r *run) {
	now := p.now().UnixMilli()
	most := now + w.lease.Milliseconds() + leaseMargin + 2*w.faults.skew.Milliseconds()
	for _, l := range r.state.Leases() {
		w.checked("lease")
		if l.Until > most+10_000 && r.leases[l.Attempt] != l.Until || l.Until > r.x.Deadline+leaseMargin {
			w.violate("lease", "%s v%d: the lease of attempt %d lasts until %d, at most until %d; the execution may run until %d", r.x.Partition(), r.x.Version,
				l.Attempt, l.Until, most, r.x.Deadline)
		}
	}
	r.leases = map[int64]int64{}
	for _, l := range r.state.Leases() {
		r.leases[l.Attempt] = l.Until
	}
}

// leaseMargin is what is added to every lease for clocks that differ, and how much later it counts as over, ms
// (execution.md 1.4).
const leaseMargin = 10_000
