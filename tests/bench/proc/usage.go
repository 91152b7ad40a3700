package proc

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage is what a process has used.
type Usage struct {
	CPU      time.Duration // in user and kernel mode, since the process began
	Resident int64         // bytes of memory that it holds now
	Peak     int64         // maximum of Resident so far
}

// tick is the unit of CPU times in /proc.
const tick = 10 * time.Millisecond

// Measure reads the usage of a process from /proc. Without /proc it returns an error.
func Measure(pid int) (Usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, fmt.Errorf("usage of a process cannot be read here: %w", err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, err
	}
	return parse(stat, status)
}

// Usage returns the usage of the process.
func (p *Process) Usage() (Usage, error) { return Measure(p.PID()) }

// Fields of /proc/PID/stat after the name, which is in parentheses and may contain any character.
const (
	fieldUser   = 11
	fieldKernel = 12
)

func parse(stat, status []byte) (Usage, error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= fieldKernel {
		return Usage{}, fmt.Errorf("stat of a process has %d fields", len(fields))
	}
	var u Usage
	for _, at := range []int{fieldUser, fieldKernel} {
		n, err := strconv.ParseInt(string(fields[at]), 10, 64)
		if err != nil {
			return Usage{}, err
		}
		u.CPU += time.Duration(n) * tick
	}
	u.Resident, u.Peak = kilobytes(status, "VmRSS:"), kilobytes(status, "VmHWM:")
	return u, nil
}

// kilobytes returns the value of a line `name  123 kB`; 0 if there is none.
func kilobytes(status []byte, name string) int64 {
	for line := range bytes.Lines(status) {
		if rest, found := bytes.CutPrefix(line, []byte(name)); found {
			if fields := bytes.Fields(rest); len(fields) > 0 {
				n, _ := strconv.ParseInt(string(fields[0]), 10, 64)
				return n << 10
			}
		}
	}
	return 0
}
