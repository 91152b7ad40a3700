//go:build !linux

package functiontask_test

// Results of child processes for tests that run on Linux only.

func descriptors() []string        { return nil }
func relatives() map[string]string { return nil }
