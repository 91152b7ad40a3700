package share

import "fmt"

// LimitError is the error of TryAcquire.
type LimitError struct {
	Resource, Account    string
	Held, Used, Capacity int64 // of the account, of all accounts, of the pool
}

// Full reports whether the pool has none left for any account, so that the account is not the
// cause.
func (r *LimitError) Full() bool { return r.Held == 0 || r.Used >= r.Capacity }

// FaultCode returns the wire code of the rejection.
func (r *LimitError) FaultCode() string {
	if r.Full() {
		return "ServiceUnavailable"
	}
	return "ResourceThrottled"
}

// Error says which share is exhausted.
func (r *LimitError) Error() string {
	if r.Full() {
		return fmt.Sprintf("all %d %s of this server are in use; try again later", r.Capacity,
			r.Resource)
	}
	return fmt.Sprintf("the account holds %d %s, and %d of %d are left for all others: "+
		"wait until some of its own have ended",
		r.Held, r.Resource, r.Capacity-r.Used, r.Capacity)
}

// Usage is one account's use of a pool.
type Usage struct {
	Account  string
	Held     int64
	Waiting  int   // waiting requests
	Waits    int64 // how often it began to wait, with no waiting request before
	Rejected int64 // since the start of the process
}

// Usage returns the usage of every account that holds something, waits, or was rejected, in no
// order.
func (p *Pool) Usage() []Usage {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]Usage, 0, len(p.accounts))
	for _, a := range p.accounts {
		if a.held != 0 || a.rejected != 0 || len(a.waiters) != 0 {
			list = append(list, Usage{Account: a.name, Held: a.held,
				Waiting: len(a.waiters), Waits: a.waits, Rejected: a.rejected})
		}
	}
	return list
}
