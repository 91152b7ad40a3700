//go:build !linux

package ceiling

import "os"

// Datasync syncs a file's data, and of its metadata what is needed to read it.
func Datasync(file *os.File) error { return file.Sync() }
