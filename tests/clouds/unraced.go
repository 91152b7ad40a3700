//go:build !race

package clouds

// raced says that the tests run under the race detector.
const raced = false
