package engine

import (
	"testing"
	"time"

	"millrace/shared/interp"
)

// TestRenewalAtHalf: a renewal is a commit. It is due when half of the lease is over, not before,
// and never when it would not make the lease longer.
func TestRenewalAtHalf(t *testing.T) {
	const margin = interp.LeaseMargin
	whole := (10 * time.Minute).Milliseconds()
	p := leasePolicy{duration: 10 * time.Minute, renewed: true}
	now, far := int64(1_000_000_000), int64(2_000_000_000)
	for name, c := range map[string]struct{ until, deadline, want int64 }{
		"new":                   {now + whole + margin, far, 0},
		"just before half":      {now + whole/2 + margin + 1, far, 0},
		"half":                  {now + whole/2 + margin, far, now + whole + margin},
		"over":                  {now, far, now + whole + margin},
		"lasts to the deadline": {now + 5000 + margin, now + 5000, 0},
		"nearly":                {now + 4999 + margin, now + 5000, now + 5000 + margin},
	} {
		m, due := p.renewal(
			interp.Lease{Attempt: 3, Owner: 1, Until: c.until, Deadline: c.deadline}, now)
		if due != (c.want > 0) || m.Until != c.want {
			t.Errorf("%s: %v, until %d, want %d", name, due, m.Until, c.want)
		}
		if due && (m.Kind != interp.LeaseRenewed || m.Attempt != 3 || m.Owner != 1) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	p.renewed = false
	if _, due := p.renewal(interp.Lease{Until: now, Deadline: far}, now); due {
		t.Error("a lease that is not renewed was renewed")
	}
}
