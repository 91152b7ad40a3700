package engine

import (
	"time"

	"millrace/shared/interp"
)

// ExclusiveLeaseMax is the longest lease of an engine that owns its store, and so how far ahead
// Resume looks for calls in flight.
const ExclusiveLeaseMax = 24 * time.Hour

// defaultLease is the default of Options.LeaseMax.
const defaultLease = 10 * time.Minute

// leasePolicy says for how long this process leases calls, and when a lease is over: then its call
// is lost, and the attempt may be made again.
type leasePolicy struct {
	duration time.Duration
	renewed  bool // a live process renews the leases of its calls in flight
	alone    bool // no other process makes calls: those of other owners are lost
}

// newLeasePolicy returns the policy of a topology. Engines of one store may use different
// durations, at the same time or in turn: only the lease that was written counts.
func newLeasePolicy(o *Options) leasePolicy {
	p := leasePolicy{duration: o.LeaseMax, renewed: o.CallTimeMax == 0,
		alone: o.Topology == Embedded}
	if o.CallTimeMax > 0 {
		p.duration = o.CallTimeMax
	}
	if p.duration == 0 {
		p.duration = defaultLease
	}
	if p.alone {
		p.duration = min(p.duration, ExclusiveLeaseMax)
	}
	return p
}

// lost reports whether the call of another process is lost.
func (p *leasePolicy) lost(l interp.Lease, now int64) bool {
	return p.alone || now >= l.Until+interp.LeaseMargin
}

// renewal returns the message that renews the lease of a call in flight, once half of the lease is
// over.
func (p *leasePolicy) renewal(l interp.Lease, now int64) (interp.Message, bool) {
	if !p.renewed {
		return interp.Message{}, false
	}
	whole := p.duration.Milliseconds()
	until := min(now+whole, l.Deadline) + interp.LeaseMargin
	if l.Until-now > whole/2+interp.LeaseMargin || until <= l.Until {
		return interp.Message{}, false
	}
	return interp.Message{
		Kind: interp.LeaseRenewed, Attempt: l.Attempt, Owner: l.Owner, Until: until}, true
}

// renewInterval returns how often a call in flight asks for a renewal. 0: never, because no other
// process would make the call, or because leases are not renewed. No interval ends before half of
// the lease is over, when nothing would be renewed yet; calls that began together must not all ask
// together.
func (p *leasePolicy) renewInterval(attempt int64) time.Duration {
	if p.alone || !p.renewed {
		return 0
	}
	apart := time.Duration(attempt%1024) * time.Microsecond
	return max(p.duration/2, time.Millisecond) + apart
}

// canExpire reports whether another process may make a call of this one again once its lease is
// over.
func (p *leasePolicy) canExpire() bool { return !p.alone }
