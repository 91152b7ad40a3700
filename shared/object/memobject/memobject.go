// Package memobject keeps objects in memory, for tests and the simulation.
package memobject

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"millrace/shared/object"
)

// Store is an object.Store in memory.
type Store struct {
	mu      sync.Mutex
	buckets map[string]map[string][]byte
}

// New returns a store with empty buckets.
func New(buckets ...string) *Store {
	s := &Store{buckets: map[string]map[string][]byte{}}
	for _, name := range buckets {
		s.buckets[name] = map[string][]byte{}
	}
	return s
}

func info(key string, body []byte) object.Info {
	sum := sha256.Sum256(body)
	return object.Info{Key: key, Size: int64(len(body)), ETag: hex.EncodeToString(sum[:8]),
		Modified: time.Unix(0, 0).UTC()}
}

// Open implements object.Store.
func (s *Store) Open(
	_ context.Context, name object.Name, etag string, offset int64,
) (object.Info, io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, ok := s.buckets[name.Bucket]
	if !ok {
		return object.Info{}, nil, object.ErrNoBucket
	}
	body, ok := bucket[name.Key]
	if !ok {
		return object.Info{}, nil, object.ErrNoObject
	}
	i := info(name.Key, body)
	if etag != "" && etag != i.ETag {
		return object.Info{}, nil, object.ErrChanged
	}
	return i, io.NopCloser(bytes.NewReader(body[offset:])), nil
}

// List implements object.Store.
func (s *Store) List(
	_ context.Context, bucket object.Name, prefix, after string, limit int,
) (l object.Listing, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects, ok := s.buckets[bucket.Bucket]
	if !ok {
		return l, object.ErrNoBucket
	}
	var keys []string
	for key := range objects {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if len(keys) > limit {
		keys, l.More = keys[:limit], true
	}
	for _, key := range keys {
		l.Objects = append(l.Objects, info(key, objects[key]))
	}
	return l, nil
}

// Put implements object.Store.
func (s *Store) Put(_ context.Context, name object.Name, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket, ok := s.buckets[name.Bucket]
	switch {
	case !ok:
		return object.ErrNoBucket
	case name.Key == "" || len(name.Key) > object.KeyMax:
		return fmt.Errorf("%w: %q", object.ErrName, name.Key)
	}
	bucket[name.Key] = bytes.Clone(body)
	return nil
}
