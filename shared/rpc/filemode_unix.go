//go:build unix

package rpc

import (
	"io/fs"
	"syscall"
)

// othersMay reports whether a mode gives group or others one of the rights in bits. A group with
// the number of the owner is the owner's alone: many systems give each user one, and let it write.
func othersMay(info fs.FileInfo, bits fs.FileMode) bool {
	if of, ok := info.Sys().(*syscall.Stat_t); ok && of.Uid == of.Gid {
		bits &^= 0o070
	}
	return info.Mode().Perm()&bits != 0
}
