package share

// Known returns how many accounts the FairQueue has state of, and how many holders of one wait to
// be woken.
func (l *FairQueue) Known(account string) (accounts, waiting int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.accounts[account]; q != nil {
		waiting = q.holders.Len()
	}
	return len(l.accounts), waiting
}
