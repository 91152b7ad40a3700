//go:build race

package value_test

// raced says that the race detector runs, which allocates memory itself.
const raced = true
