//go:build unix

package functiontask

import (
	"os"
	"strconv"
	"sync"
	"syscall"
)

// markCloseOnExec marks the files that the server was started with, beyond its standard streams, as
// closed in commands: the program that starts a server may leave it files that were never meant for
// its functions. Files that this program opens itself are marked by the os package.
var markCloseOnExec = sync.OnceFunc(func() {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
})
