package live

import (
	"fmt"
	"os"
	"strings"
)

// Usage is what a process holds.
type Usage struct {
	RSS     int64 // bytes
	Peak    int64 // the most that RSS has been, bytes
	Files   int   // descriptors
	Threads int
}

// Usage reads what the server holds now.
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
