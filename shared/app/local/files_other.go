//go:build !unix && !lambda.norpc

package local

// filesMax returns how many files the process may have open; 0: unknown.
func filesMax() uint64 { return 0 }
