//go:build race

package value_test

// raced says that the race detector counts allocations of its own.
const raced = true
