package cloud

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"millrace/shared/task"
)

// document returns a JSON document of n bytes.
func document(n int) []byte {
	text := bytes.Repeat([]byte("x"), n)
	text[0], text[n-1] = '"', '"'
	return text
}

// results is the limit of results in checkResponseLimit.
const results = 3 << 20

// checkResponseLimit runs a task against services whose responses are as long as the limit, and
// longer. open opens the cloud with a service at a URL.
func checkResponseLimit(
	t *testing.T, open func(url string) (*services, error), r task.Request,
) {
	t.Helper()
	for bytes, read := range map[int]bool{results: true, results + 128<<10: false} {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
			r *http.Request) {
			io.Copy(io.Discard, r.Body) // as a function reads its event before it responds
			w.Write(document(bytes))
		}))
		t.Cleanup(service.Close)
		h, err := open(service.URL)
		if err != nil {
			t.Fatal(err)
		}
		runLimited(t, h, r, read)
	}
}

// runLimited runs a task of a cloud and checks whether its response was read.
func runLimited(t *testing.T, h *services, r task.Request, read bool) {
	t.Helper()
	tasks, _ := h.runners(nil, task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{}
	}))
	if got := tasks[r.Action].Run(t.Context(), r); (got.Error == nil) != read {
		t.Errorf("%s: read %v, want %v: %+v", r.Action, !read, read, got.Error)
	}
}
