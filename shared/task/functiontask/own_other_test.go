//go:build !linux

package functiontask_test

// What child processes answer to tests that are for Linux alone.

func descriptors() []string        { return nil }
func relatives() map[string]string { return nil }
