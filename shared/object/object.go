// Package object is the port to objects: files in the buckets of an object store. An object is read
// as a stream, a bucket is listed by prefix, and small objects are written as a whole. Adapters are
// folderobject (directories of one machine), ossobject, s3object and memobject.
package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Name names an object.
type Name struct {
	Bucket string
	Key    string
	Region string // of the bucket; "": that of the deployment
}

// String returns `bucket/key`.
func (n Name) String() string { return n.Bucket + "/" + n.Key }

// Info describes an object.
type Info struct {
	Key      string
	Size     int64  // bytes
	ETag     string // changes with the content; without quotes
	Modified time.Time
}

// Listing is a page of the objects of a bucket, in the order of their keys as bytes.
type Listing struct {
	Objects []Info
	More    bool // there are more after the last one
}

// Store is a store of objects. It is safe for many goroutines. Errors wrap one of the errors of this
// package if it fits; other errors may be temporary. They do not name the object.
type Store interface {
	// Open opens an object for reading from an offset, in bytes. With an ETag it returns ErrChanged
	// if the object has another by now, and all that is read belongs to the object with that ETag.
	// The offset is at most the size of the object. The caller must close the reader.
	Open(ctx context.Context, name Name, etag string, offset int64) (Info, io.ReadCloser, error)

	// List returns up to limit objects whose keys begin with prefix and come after a key ("": from
	// the first). Objects that are written or removed between two pages may be in them or not.
	List(ctx context.Context, bucket Name, prefix, after string, limit int) (Listing, error)

	// Put writes an object, or replaces it. When it returns nil, the object is durable and readers
	// see all of it.
	Put(ctx context.Context, name Name, body []byte) error
}

// Errors of a Store.
var (
	ErrNoBucket = errors.New("there is no such bucket")
	ErrNoObject = errors.New("there is no such object")
	ErrDenied   = errors.New("access is denied")
	ErrChanged  = errors.New("the object has changed while it was read")
	ErrName     = errors.New("that is no name of an object")
	ErrRejected = errors.New("the object store has rejected the request")
)

// Permanent reports whether a repeated call would fail in the same way.
func Permanent(err error) bool {
	for _, known := range [...]error{ErrNoBucket, ErrNoObject, ErrDenied, ErrChanged, ErrName,
		ErrRejected} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// KeyMax is the maximum length of a key, in bytes, in every store.
const KeyMax = 1023

// Buckets is a Store that has the buckets of several others, by their names. A bucket that has no
// Store of its own is in Rest; if Rest is nil, there is no such bucket.
type Buckets struct {
	Stores map[string]Store
	Rest   Store
}

func (b *Buckets) of(n Name) (Store, error) {
	if s := b.Stores[n.Bucket]; s != nil {
		return s, nil
	}
	if b.Rest == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoBucket, n.Bucket)
	}
	return b.Rest, nil
}

// Open implements Store.
func (b *Buckets) Open(
	ctx context.Context, name Name, etag string, offset int64,
) (Info, io.ReadCloser, error) {
	s, err := b.of(name)
	if err != nil {
		return Info{}, nil, err
	}
	return s.Open(ctx, name, etag, offset)
}

// List implements Store.
func (b *Buckets) List(
	ctx context.Context, bucket Name, prefix, after string, limit int,
) (Listing, error) {
	s, err := b.of(bucket)
	if err != nil {
		return Listing{}, err
	}
	return s.List(ctx, bucket, prefix, after, limit)
}

// Put implements Store.
func (b *Buckets) Put(ctx context.Context, name Name, body []byte) error {
	s, err := b.of(name)
	if err != nil {
		return err
	}
	return s.Put(ctx, name, body)
}
