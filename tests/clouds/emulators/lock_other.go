//go:build !unix

package emulators

// lock does nothing where flock does not exist: there, install the emulators before the tests.
func lock() (unlock func(), err error) { return func() {}, nil }
