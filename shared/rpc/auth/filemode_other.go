//go:build !unix

package auth

import "io/fs"

// othersMay returns false, because this system has no Unix file modes.
func othersMay(fs.FileInfo, fs.FileMode) bool { return false }
