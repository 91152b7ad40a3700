package app

import (
	"bytes"
	"context"
	"testing"

	"millrace/shared/task"
)

// document is a JSON document of so many bytes.
func document(n int) []byte {
	text := bytes.Repeat([]byte("x"), n)
	text[0], text[n-1] = '"', '"'
	return text
}

// limited runs a task of a cloud, whose answer is one that may be read or is not.
func limited(t *testing.T, h *home, r task.Request, read bool) {
	t.Helper()
	tasks, _ := h.tasks(nil, task.RunnerFunc(func(context.Context, task.Request) task.Result { return task.Result{} }))
	if got := tasks[r.Action].Run(t.Context(), r); (got.Error == nil) != read {
		t.Errorf("%s: read %v, want %v: %+v", r.Action, !read, read, got.Error)
	}
}
