//go:build !unix

package emulators

// lock does nothing where there is no flock: install the emulators there before the tests.
func lock() (unlock func(), err error) { return func() {}, nil }
