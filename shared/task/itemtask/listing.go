package itemtask

import (
	"context"
	"fmt"
	"io"

	"millrace/shared/object"
	"millrace/shared/value"
)

// objects reads the listing of a bucket: an item an object, in the order of the keys.
type objects struct {
	b     *reading
	ctx   context.Context // of the call that the source belongs to
	after string          // last key that was returned
	page  []object.Info
	more  bool // after page
	begun bool
}

// pageMax is the maximum of objects of a page. No store returns more at a time.
const pageMax = 1000

func (o *objects) cursor() Cursor { return Cursor{After: o.after} }

func (o *objects) next() (any, error) {
	if len(o.page) == 0 {
		if o.begun && !o.more {
			return nil, io.EOF
		}
		if err := o.list(); err != nil || len(o.page) == 0 {
			return nil, endOf(err)
		}
	}
	one := o.page[0]
	o.page, o.after = o.page[1:], one.Key
	return map[string]any{
		"Key": one.Key, "Size": value.FromInt(one.Size), "Etag": one.ETag,
		"LastModified": value.FromInt(one.Modified.Unix()),
	}, nil
}

func endOf(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

func (o *objects) list() error {
	q := o.b.q
	bucket := object.Name{Bucket: q.Source.Bucket, Region: q.Source.Region}
	if err := o.b.allowed(actionList, bucket); err != nil {
		return err
	}
	l, err := o.b.o.Objects.List(o.ctx, bucket, q.Source.Prefix, o.after, min(pageMax, q.ItemsMax+1))
	if err != nil {
		return fmt.Errorf("bucket %s, prefix %s: %w", bucket.Bucket, value.Quote(q.Source.Prefix), err)
	}
	o.begun, o.page, o.more = true, l.Objects, l.More
	return nil
}
