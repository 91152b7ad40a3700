package inflight

import (
	"fmt"
	"os"
	"testing"
	"testing/fstest"
)

func TestFreeAddresses(t *testing.T) {
	page := int64(os.Getpagesize())
	root := func(text string) fstest.MapFS {
		return fstest.MapFS{"proc/self/statm": &fstest.MapFile{Data: []byte(text)}}
	}
	statm := func(pages, resident int64) fstest.MapFS {
		return root(fmt.Sprint(pages, " ", resident, " 3 4 0 5 0\n"))
	}
	for name, c := range map[string]struct {
		root fstest.MapFS
		want int64
	}{
		"what is reserved is not free": {statm(500, 20), 520 * page},
		"nearly nothing is left":       {statm(5000, 20), 125 * page},
		"unknown":                      {fstest.MapFS{}, 1000 * page},
		"unreadable":                   {root("?"), 1000 * page},
	} {
		if got := freeAddresses(1000*page, c.root); got != c.want {
			t.Errorf("%s: %d pages, want %d", name, got/page, c.want/page)
		}
	}
}
