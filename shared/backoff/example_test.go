package backoff_test

import (
	"fmt"
	"time"

	"millrace/shared/backoff"
)

func ExamplePolicy_After() {
	p := backoff.Policy{Min: time.Second, Max: 10 * time.Second}
	for failures := range 5 {
		fmt.Print(p.After(failures), " ")
	}
	// Output: 1s 2s 4s 8s 10s
}
