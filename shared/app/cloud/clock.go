//go:build !millrace_testclock

package cloud

import "time"

// clock returns the clock of executions in the functions of a cloud: the machine's.
func clock() func() time.Time { return time.Now }
