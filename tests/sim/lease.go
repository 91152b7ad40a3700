package sim

// "lease": no lease is longer than its bound, and none is shorter.
//
// A lease lasts LeaseMax, plus 10 s for different clocks, from the commit that takes or renews it.
// It must not end more than 10 s after the execution's deadline. A longer lease would delay the
// repetition of a dead process's call. The check allows 10 s more for the time between the reading
// of the clock and the commit, and twice the difference of the clocks.
//
// A shorter lease would let another process repeat a call that a live process is making. So a lease
// that a commit takes or renews covers LeaseMax from the last event on, or the time until the
// attempt must have ended, and 10 s more; the check allows twice the difference of the clocks. It
// goes by the last event, not by the time of the commit, which may be much later.
func (w *World) judgeLeases(p *process, r *run) {
	now := p.now().UnixMilli()
	most := now + w.lease.Milliseconds() + leaseMargin + 2*w.faults.skew.Milliseconds()
	for _, l := range r.state.Leases() {
		w.checked("lease")
		if l.Until > most+leaseMargin && r.leases[l.Attempt] != l.Until ||
			l.Until > r.x.Deadline+leaseMargin {
			w.violate("lease",
				"%s v%d: the lease of attempt %d lasts until %d, at most until %d; the execution "+
					"may run until %d", r.x.Partition(), r.x.Version,
				l.Attempt, l.Until, most, r.x.Deadline)
		}
		least := min(r.state.LastTime+w.lease.Milliseconds()-2*w.faults.skew.Milliseconds(),
			l.Deadline) + leaseMargin
		if l.Until < least && r.leases[l.Attempt] != l.Until {
			w.violate("lease", "%s v%d: the lease of attempt %d lasts until %d only, at least "+
				"until %d", r.x.Partition(), r.x.Version, l.Attempt, l.Until, least)
		}
	}
	r.leases = map[int64]int64{}
	for _, l := range r.state.Leases() {
		r.leases[l.Attempt] = l.Until
	}
}

// leaseMargin is added to every lease for different clocks, and a lease counts as expired that much
// later, ms (docs/protocol.md#calls-and-leases).
const leaseMargin = 10_000
