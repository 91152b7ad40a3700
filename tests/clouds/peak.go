package clouds

import (
	"fmt"
	"os"
	"strings"
)

// Within returns a command that runs a program with the given megabytes of writable memory. A
// program that needs more ends.
func Within(megabytes int) []string {
	return []string{"prlimit", fmt.Sprintf("--data=%d", megabytes<<20)}
}

// Peak returns the largest resident memory that one of these processes has had, in bytes. It needs
// Linux.
func Peak(pids []int) (peak int64) {
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(text)) {
			var kilobytes int64
			if n, _ := fmt.Sscanf(line, "VmHWM: %d", &kilobytes); n == 1 {
				peak = max(peak, kilobytes<<10)
			}
		}
	}
	return peak
}
