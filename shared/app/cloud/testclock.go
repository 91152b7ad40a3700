//go:build millrace_testclock

package cloud

import (
	"os"
	"strconv"
	"time"
)

// clock returns the clock of executions in functions that are compiled for tests of long waits. It
// is ahead of the machine's clock by the number of milliseconds in the file TEST_CLOCK_FILE. A
// program that is compiled without the tag contains none of this.
func clock() func() time.Time {
	path := os.Getenv("TEST_CLOCK_FILE")
	return func() time.Time {
		text, err := os.ReadFile(path)
		if err != nil {
			panic("the tests' clock: " + err.Error())
		}
		ahead, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			panic("the tests' clock: " + err.Error())
		}
		return time.Now().Add(time.Duration(ahead) * time.Millisecond)
	}
}
