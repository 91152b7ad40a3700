package proc

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	stat := "42 (a) (name) S 1 42 42 0 -1 4194560 9 0 0 0 120 30 0 0 20 0 9 0 100 1000 50"
	status := "Name:\ta\nVmHWM:\t   2048 kB\nVmRSS:\t    1024 kB\n"
	u, err := parse([]byte(stat), []byte(status))
	if err != nil || u != (Usage{CPU: 1500 * time.Millisecond, Resident: 1 << 20, Peak: 2 << 20}) {
		t.Errorf("%+v %v", u, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", "1 (a) S 1 2 3 4 5 6 7 8 9 10 x y"} {
		if _, err := parse([]byte(bad), nil); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
