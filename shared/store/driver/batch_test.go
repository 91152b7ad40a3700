package driver_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"millrace/shared/store/driver"
)

func TestPutBatches(t *testing.T) {
	limits := driver.BatchLimits{Rows: 3, Bytes: 10, Concurrency: 2}
	for _, c := range []struct {
		sizes []int
		want  string
	}{
		{nil, "[]"},
		{[]int{1}, "[[1]]"},
		{[]int{1, 2, 3}, "[[1 2 3]]"},
		{[]int{1, 2, 3, 4}, "[[1 2 3] [4]]"},
		{[]int{5, 5, 1}, "[[1] [5 5]]"},
		{[]int{11, 1, 12}, "[[1] [11] [12]]"},
	} {
		var mu sync.Mutex
		got := [][]int{}
		size := func(n int) int { return n }
		err := driver.PutBatches(c.sizes, size, limits, func(b []int) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, b)
			return nil
		})
		slices.SortFunc(got, slices.Compare)
		if text := fmt.Sprint(got); err != nil || text != c.want {
			t.Errorf("%v: %s, want %s, %v", c.sizes, text, c.want, err)
		}
	}
}

// TestPutBatchesTriesAll: after a batch fails, PutBatches still writes the others.
func TestPutBatchesTriesAll(t *testing.T) {
	var mu sync.Mutex
	put, torn := 0, errors.New("torn")
	err := driver.PutBatches([]int{1, 2, 3, 4, 5}, func(int) int { return 1 },
		driver.BatchLimits{Rows: 1, Bytes: 1, Concurrency: 2}, func(b []int) error {
			mu.Lock()
			defer mu.Unlock()
			put++
			if b[0] == 2 {
				return torn
			}
			return nil
		})
	if put != 5 || !errors.Is(err, torn) {
		t.Errorf("%d put, %v", put, err)
	}
}

func TestDedupeRows(t *testing.T) {
	row := func(key, data string) driver.Row {
		return driver.Row{Key: driver.Key{Partition: key}, Data: []byte(data)}
	}
	got := driver.DedupeRows([]driver.Row{row("a", "1"), row("b", "2"), row("a", "3")})
	if len(got) != 2 || got[0].Partition != "a" || string(got[0].Data) != "3" ||
		string(got[1].Data) != "2" {
		t.Errorf("%+v", got)
	}
}
