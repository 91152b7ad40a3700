// Package itemtask reads the items of a distributed Map from objects, and writes the files of its
// results. Items are read block by block, each from where the one before ended. It reads JSON arrays, JSON Lines, CSV files, the listing of a bucket
// and the files of an inventory. No object stands in memory as a whole.
//
// A call is repeatable: the same cursor gives the same items, because the cursor names the ETag of
// the object, and an object that has changed fails the call. A listing has no ETag: a repeated call
// may see other objects.
package itemtask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"millrace/shared/access"
	"millrace/shared/backoff"
	"millrace/shared/flow"
	"millrace/shared/object"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// Options configures a runner.
type Options struct {
	Objects object.Store
	Own     *reserved.Resources // no object of these may be read
}

// Runner reads blocks of items and writes files of results. It is safe for many goroutines.
type Runner struct{ o Options }

// New returns a runner.
func New(o Options) *Runner { return &Runner{o} }

// Block is the result of a call: the next items, and where the block after them begins.
type Block struct {
	Items  []any
	Cursor Cursor
	End    bool // no items follow
}

// retries is the pause before a block is read again after an error that may be temporary, and
// triesMax how often it is read.
var retries = backoff.Policy{Min: 200 * time.Millisecond, Max: 5 * time.Second}

const triesMax = 5

// Run reads a block, or writes a file if the parameters have a Body. The result of reading is an
// object with Items, Cursor and End. Errors are FnF.ItemReaderFailed with the object and the line, or
// FnF.ResultWriterFailed.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	if f, err := parseFile(r.Parameters); err != nil {
		return task.Failed(task.NewError(flow.ErrResultWriter, err.Error()))
	} else if f != nil {
		return t.write(ctx, &r, f)
	}
	q, err := parse(r.Parameters)
	if err != nil {
		return failed(err)
	}
	b := &reading{o: &t.o, q: q, r: &r}
	var block *Block
	if err := repeat(ctx, func() (err error) {
		block, err = b.read(ctx)
		return err
	}); err != nil {
		return failed(err)
	}
	return done(block)
}

// repeat makes a call until it succeeds, or fails in a way that does not go away.
func repeat(ctx context.Context, call func() error) error {
	for tries := 1; ; tries++ {
		err := call()
		var bad *contentError
		if err == nil || ctx.Err() != nil || tries == triesMax || object.Permanent(err) ||
			errors.As(err, &bad) || !backoff.Wait(ctx, retries.After(tries)) {
			return err
		}
	}
}

func failed(err error) task.Result {
	return task.Failed(task.NewError(flow.ErrItemReader, err.Error()))
}

func done(b *Block) task.Result {
	if b.Items == nil {
		b.Items = []any{}
	}
	tree := map[string]any{"Items": b.Items, "End": b.End, "Cursor": b.Cursor.tree()}
	return task.Result{Output: value.Encode(tree), Tree: tree}
}

// contentError is the error of what an object holds. It does not go away.
type contentError struct{ text string }

func (e *contentError) Error() string { return e.text }

func contentErrorf(format string, args ...any) error {
	return &contentError{fmt.Sprintf(format, args...)}
}

// source reads items one after the other.
type source interface {
	// next returns the next item, or io.EOF. Errors name the line.
	next() (any, error)
	// cursor returns where the item after the last one begins.
	cursor() Cursor
}

// reading is one call.
type reading struct {
	o *Options
	q *request
	r *task.Request
}

// read reads the block at the cursor.
func (b *reading) read(ctx context.Context) (*Block, error) {
	s, closeSource, err := b.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeSource()
	block, size := &Block{Cursor: b.q.Cursor}, 0
	for len(block.Items) < b.q.ItemsMax {
		item, err := s.next()
		if err == io.EOF {
			block.End, block.Cursor = true, s.cursor()
			break
		} else if err != nil {
			return nil, err
		}
		n, err := value.Measure(item, b.q.ItemBytesMax)
		if err != nil || n > b.q.ItemBytesMax {
			return nil, contentErrorf("%s: the item is longer than the %d bytes that the input of an "+
				"execution may have", b.at(s.cursor()), b.q.ItemBytesMax)
		}
		if size += n + 1; len(block.Items) > 0 && size > b.q.BytesMax {
			break
		}
		block.Items = append(block.Items, item)
		block.Cursor = s.cursor()
	}
	return block, nil
}

// at says where an item ends, for errors.
func (b *reading) at(c Cursor) string {
	if c.Line > 0 {
		return fmt.Sprintf("%s, line %d", b.q.object(), c.Line)
	}
	return b.q.object().String()
}

// open opens the source that the request names, at its cursor.
func (b *reading) open(ctx context.Context) (s source, closeSource func(), err error) {
	if b.o.Objects == nil {
		return nil, nil, errNoObjects
	}
	switch b.q.InputType {
	case listing:
		return &objects{b: b, ctx: ctx, after: b.q.Cursor.After}, func() {}, nil
	case manifest:
		return b.openInventory(ctx)
	}
	from, err := b.openObject(ctx, b.q.object(), b.q.Cursor)
	if err != nil {
		return nil, nil, err
	}
	switch b.q.InputType {
	case jsonArray:
		return &arrayItems{from: from, max: b.q.rawMax()}, from.close, nil
	case jsonLines:
		return &lineItems{from: from, max: b.q.rawMax()}, from.close, nil
	}
	table, err := openTable(from, b.q)
	if err != nil {
		from.close()
		return nil, nil, err
	}
	return table, from.close, nil
}

// errNoObjects says that there is no store of objects.
var errNoObjects = contentErrorf("there are no buckets here: name the directories of buckets in the " +
	"functions file (objects), docs/functions.md")

// allowed returns an error unless the flow may do an action on an object or a bucket now.
func (b *reading) allowed(action string, n object.Name) error {
	if err := b.o.Own.CheckBucket(n.Bucket, n.Key); err != nil {
		return contentErrorf("%s", err)
	}
	resource := ResourceName(b.r.Region, b.r.Account, n)
	if b.r.May != nil && !b.r.May(action, resource) {
		return contentErrorf("%s", access.DeniedMessage(
			access.Principal(b.r.RoleArn, b.r.Author), action, resource))
	}
	return nil
}

// Actions that a flow needs the right to.
const (
	actionGet  = "oss:GetObject"
	actionList = "oss:ListObjects"
	actionPut  = "oss:PutObject"
)

// ResourceName returns the resource name of an object, or of a bucket if it has no key, in policies.
func ResourceName(region, account string, n object.Name) string {
	name := "acs:oss:" + region + ":" + account + ":" + n.Bucket
	if n.Key != "" {
		name += "/" + n.Key
	}
	return name
}
