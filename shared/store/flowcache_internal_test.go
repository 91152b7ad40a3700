package store

import (
	"context"
	"fmt"
	"testing"

	"millrace/shared/store/driver"
)

// TestTooManyUnknownOutcomes: unknown outcomes take no more memory than the cache may, and a flow
// that one of them may still change is not cached.
func TestTooManyUnknownOutcomes(t *testing.T) {
	c := newFlowCache()
	key := func(i int) driver.Key { return flowKey("1", fmt.Sprint("f", i)) }
	for i := range cachedFlowsMax + 1 {
		if i == cachedFlowsMax {
			_, writes := c.get(key(-1))
			c.put(key(-1), &Flow{}, writes)
			if f, _ := c.get(key(-1)); f == nil {
				t.Errorf("another flow is not kept after %d unknown outcomes", i)
			}
		}
		c.invalidate(key(i), context.DeadlineExceeded)
	}
	if len(c.unknown) > cachedFlowsMax {
		t.Errorf("%d unknown outcomes are kept", len(c.unknown))
	}
	for _, i := range []int{-1, 0, cachedFlowsMax} {
		_, writes := c.get(key(i))
		c.put(key(i), &Flow{}, writes)
		if f, _ := c.get(key(i)); f != nil {
			t.Errorf("flow %d is kept after more unknown outcomes than are remembered", i)
		}
	}
}
