//go:build race

package clouds

// raced reports whether the tests run under the race detector.
const raced = true
