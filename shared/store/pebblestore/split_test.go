package pebblestore

import (
	"slices"
	"testing"
)

// TestSplit: small requests do not wait for large ones, and large ones make small groups.
func TestSplit(t *testing.T) {
	sizes := func(list []*request) (all []int) {
		for _, r := range list {
			all = append(all, r.bytes)
		}
		return all
	}
	waiting := []*request{{bytes: 70_000}, {bytes: 1}, {bytes: 5 << 20}, {bytes: largeBytes},
		{bytes: 200_000}}
	small, large := split(waiting, []*request{{bytes: 70_001}})
	if got := sizes(small); !slices.Equal(got, []int{1, largeBytes}) {
		t.Errorf("small: %v", got)
	}
	if got := sizes(large); !slices.Equal(got, []int{70_001, 70_000, 5 << 20, 200_000}) {
		t.Errorf("large: %v", got)
	}
	for _, want := range []int{2, 1, 1} {
		n := groupSize(large, largeGroup)
		if n != want {
			t.Fatalf("a group of %v has %d, want %d", sizes(large), n, want)
		}
		large = large[n:]
	}
}
