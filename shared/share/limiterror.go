package share

import "fmt"

// LimitError is the error of TryAcquire.
type LimitError struct {
	Resource, Account    string
	Held, Used, Capacity int64 // of the account, of all accounts, of the process
}

// Full reports whether the process has none left for anybody, so that the account is not the
// reason.
func (r *LimitError) Full() bool { return r.Held == 0 || r.Used >= r.Capacity }

// FaultCode is the wire's code of the refusal.
func (r *LimitError) FaultCode() string {
	if r.Full() {
		return "ServiceUnavailable"
	}
	return "ResourceThrottled"
}

// Error says which share is used up.
func (r *LimitError) Error() string {
	if r.Full() {
		return fmt.Sprintf("all %d %s of this server are in use; try again later", r.Capacity, r.Resource)
	}
	return fmt.Sprintf("the account holds %d %s, and %d of %d are left for all others: "+
		"wait until some of its own have ended",
		r.Held, r.Resource, r.Capacity-r.Used, r.Capacity)
}

// Usage is what one account has of a pool.
type Usage struct {
	Account  string
	Held     int64
	Waiting  int   // requests in line
	Waits    int64 // how often it has come into line, with none of its requests there
	Rejected int64 // since the process began
}

// Usage returns what every account has that holds something, waits, or was refused, in no order.
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
