//go:build !unix

package rpc

import "io/fs"

// othersMay is false: there are no such modes here.
func othersMay(fs.FileInfo, fs.FileMode) bool { return false }
