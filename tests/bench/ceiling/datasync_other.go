//go:build !linux

package ceiling

import "os"

// Datasync syncs the data of a file, and only the metadata that is needed to read it.
func Datasync(file *os.File) error { return file.Sync() }
