package live

import (
	"fmt"
	"os"
	"strings"
)

// Usage holds the resources that a process uses.
type Usage struct {
	RSS     int64 // bytes
	Peak    int64 // maximum of RSS so far, bytes
	Files   int   // descriptors
	Threads int
}

// Usage reads the current usage of the server.
func (s *Server) Usage() (u Usage) {
	s.t.Helper()
	dir := fmt.Sprintf("/proc/%d/", s.PID())
	text, err := os.ReadFile(dir + "status")
	if err != nil {
		s.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fmt.Sscanf(line, "VmRSS: %d", &u.RSS)
		fmt.Sscanf(line, "VmHWM: %d", &u.Peak)
		fmt.Sscanf(line, "Threads: %d", &u.Threads)
	}
	u.RSS, u.Peak = u.RSS<<10, u.Peak<<10
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		s.t.Fatal(err)
	}
	u.Files = len(files)
	return u
}
