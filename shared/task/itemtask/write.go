package itemtask

import (
	"context"
	"encoding/json"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/object"
	"millrace/shared/task"
	"millrace/shared/value"
)

// file are the parameters of a call that writes a file of results.
type file struct {
	Bucket, Key, Region string
	Body                *string
}

// parseFile returns the file that a call writes; nil: it reads items.
func parseFile(parameters json.RawMessage) (*file, error) {
	var f file
	if err := value.Unmarshal(parameters, &f); err != nil {
		return nil, fmt.Errorf("the members of ResultWriter have wrong types: %w", err)
	}
	switch {
	case f.Body == nil:
		return nil, nil
	case f.Bucket == "":
		return nil, fmt.Errorf("Parameters.Bucket is required, a text")
	case len(f.Key) > object.KeyMax:
		return nil, fmt.Errorf("the prefix is too long: keys have at most %d bytes", object.KeyMax)
	}
	return &f, nil
}

// write writes a file. A repeated call writes the same again.
func (t *Runner) write(ctx context.Context, r *task.Request, f *file) task.Result {
	n := object.Name{Bucket: f.Bucket, Key: f.Key, Region: f.Region}
	w := &reading{o: &t.o, r: r}
	err := repeat(ctx, func() error {
		if t.o.Objects == nil {
			return errNoObjects
		}
		if err := w.allowed(actionPut, n); err != nil {
			return err
		}
		if err := t.o.Objects.Put(ctx, n, []byte(*f.Body)); err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
		return nil
	})
	if err != nil {
		return task.Failed(task.NewError(flow.ErrResultWriter, err.Error()))
	}
	return task.Result{Output: json.RawMessage("{}")}
}
