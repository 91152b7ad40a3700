//go:build !unix && !lambda.norpc

package app

// filesMax is how many files the process may have open; 0: it cannot be told.
func filesMax() uint64 { return 0 }
