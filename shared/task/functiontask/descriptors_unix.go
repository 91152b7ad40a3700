//go:build unix

package functiontask

import (
	"os"
	"strconv"
	"sync"
	"syscall"
)

// markCloseOnExec sets close-on-exec on the files with which the server was started, except its
// standard streams: the program that starts a server may leave it files that its functions must not
// get. Package os already sets it on the files that this program opens.
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
