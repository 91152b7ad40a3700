//go:build unix

package auth

import (
	"io/fs"
	"syscall"
)

// othersMay reports whether a file's mode grants its group or others one of the rights in bits. A
// group with the owner's number is not another user: many systems give each user a group of its
// own, with write access.
func othersMay(info fs.FileInfo, bits fs.FileMode) bool {
	if of, ok := info.Sys().(*syscall.Stat_t); ok && of.Uid == of.Gid {
		bits &^= 0o070
	}
	return info.Mode().Perm()&bits != 0
}
