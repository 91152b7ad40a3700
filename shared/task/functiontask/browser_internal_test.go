package functiontask

import (
	"net/http"
	"testing"
)

// TestFetchIsNoBrowser: the fetch of Node sends Sec-Fetch-Mode and nothing else of a browser's.
func TestFetchIsNoBrowser(t *testing.T) {
	fetch := http.Header{"Accept": {"*/*"}, "Accept-Language": {"*"}, "Sec-Fetch-Mode": {"cors"},
		"User-Agent": {"node"}}
	if isFromBrowser(fetch) {
		t.Error("the fetch of Node was taken for a browser")
	}
	for _, name := range []string{"Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-User", "Origin",
		"Referer"} {
		page := fetch.Clone()
		page.Set(name, "x")
		if !isFromBrowser(page) {
			t.Errorf("a request with %s was not taken for a browser's", name)
		}
	}
}
