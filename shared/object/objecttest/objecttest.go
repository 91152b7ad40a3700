// Package objecttest tests that an object.Store keeps its contract.
package objecttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"millrace/shared/object"
)

// Run tests a store. bucket is an empty bucket of it that may be written to.
func Run(t *testing.T, s object.Store, bucket string) {
	t.Run("Objects", func(t *testing.T) { objects(t, s, bucket) })
	t.Run("Changed", func(t *testing.T) { changed(t, s, bucket) })
	t.Run("List", func(t *testing.T) { list(t, s, bucket) })
	t.Run("Errors", func(t *testing.T) { mistakes(t, s, bucket) })
}

func put(t *testing.T, s object.Store, bucket, key, body string) {
	t.Helper()
	if err := s.Put(context.Background(), object.Name{Bucket: bucket, Key: key},
		[]byte(body)); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

func read(
	t *testing.T, s object.Store, bucket, key, etag string, offset int64,
) (object.Info, string) {
	t.Helper()
	i, r, err := s.Open(context.Background(), object.Name{Bucket: bucket, Key: key}, etag, offset)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return i, string(body)
}

func objects(t *testing.T, s object.Store, bucket string) {
	for key, body := range map[string]string{"in/order 1.json": "0123456789", "empty": "",
		"日本/+&?#%41": "x", "big": strings.Repeat("0123456789abcdef", 1<<16)} {
		put(t, s, bucket, key, body)
		i, got := read(t, s, bucket, key, "", 0)
		if got != body || i.Size != int64(len(body)) || i.ETag == "" || i.Key != key ||
			strings.Contains(i.ETag, `"`) || i.Modified.IsZero() {
			t.Errorf("%s: %d bytes %+v", key, len(got), i)
		}
		for _, offset := range []int{len(body) / 2, len(body)} {
			j, rest := read(t, s, bucket, key, i.ETag, int64(offset))
			if rest != body[offset:] || j.Size != i.Size || j.ETag != i.ETag {
				t.Errorf("%s from %d: %d bytes %+v", key, offset, len(rest), j)
			}
		}
	}
	put(t, s, bucket, "empty", "no more")
	if _, got := read(t, s, bucket, "empty", "", 3); got != "more" {
		t.Errorf("replaced by %q", got)
	}
}

func changed(t *testing.T, s object.Store, bucket string) {
	put(t, s, bucket, "changes", "before")
	i, _ := read(t, s, bucket, "changes", "", 0)
	put(t, s, bucket, "changes", "now and later")
	for _, offset := range []int64{0, 3} {
		_, _, err := s.Open(context.Background(), object.Name{Bucket: bucket, Key: "changes"},
			i.ETag, offset)
		if !errors.Is(err, object.ErrChanged) {
			t.Errorf("from %d: %v", offset, err)
		}
	}
}

func list(t *testing.T, s object.Store, bucket string) {
	keys := []string{"l/a-b", "l/a.b", "l/a/1", "l/a/2", "l/a0", "l/b/c/d", "l/é"}
	for i, key := range keys {
		put(t, s, bucket, key, strings.Repeat("x", i))
	}
	put(t, s, bucket, "k", "")
	put(t, s, bucket, "m", "")
	for _, test := range []struct {
		prefix, after string
		from, to      int
	}{
		{"l/", "", 0, 7}, {"l", "", 0, 7}, {"l/a", "", 0, 5}, {"l/a/", "", 2, 4},
		{"l/", "l/a.b", 2, 7}, {"l/", "l/a/1", 3, 7}, {"l/", "l/a/11", 3, 7}, {"l/", "l/é", 7, 7},
		{"l/", "l/a", 0, 7}, {"l/b/c", "", 5, 6}, {"nothing", "", 0, 0},
	} {
		want := keys[test.from:test.to]
		for _, limit := range []int{1, 3, 100} {
			got := pages(t, s, bucket, test.prefix, test.after, limit)
			if !slices.Equal(got, want) {
				t.Errorf("%q after %q by %d: %q, want %q", test.prefix, test.after, limit, got, want)
			}
		}
	}
	l, err := s.List(context.Background(), object.Name{Bucket: bucket}, "l/a/2", "", 10)
	if err != nil || len(l.Objects) != 1 || l.More {
		t.Fatalf("%+v %v", l, err)
	}
	i, _ := read(t, s, bucket, "l/a/2", l.Objects[0].ETag, 0)
	if got := l.Objects[0]; got.Size != 3 || got.Size != i.Size || got.Modified.IsZero() {
		t.Errorf("%+v, want %+v", got, i)
	}
}

// pages lists by pages of limit objects.
func pages(t *testing.T, s object.Store, bucket, prefix, after string, limit int) (keys []string) {
	t.Helper()
	for range 100 {
		l, err := s.List(context.Background(), object.Name{Bucket: bucket}, prefix, after, limit)
		if err != nil || len(l.Objects) > limit || l.More && len(l.Objects) == 0 {
			t.Fatalf("%q after %q: %+v %v", prefix, after, l, err)
		}
		for _, o := range l.Objects {
			keys, after = append(keys, o.Key), o.Key
		}
		if !l.More {
			return keys
		}
	}
	t.Fatal("no end")
	return nil
}

func mistakes(t *testing.T, s object.Store, bucket string) {
	ctx := context.Background()
	if _, _, err := s.Open(ctx, object.Name{Bucket: bucket, Key: "none"}, "",
		0); !errors.Is(err, object.ErrNoObject) {
		t.Errorf("no object: %v", err)
	}
	for _, key := range []string{"", strings.Repeat("k", object.KeyMax+1)} {
		name := object.Name{Bucket: bucket, Key: key}
		if err := s.Put(ctx, name, nil); !errors.Is(err, object.ErrName) {
			t.Errorf("put %.20q: %v", key, err)
		}
	}
	if !object.Permanent(fmt.Errorf("so: %w", object.ErrNoBucket)) ||
		object.Permanent(io.ErrUnexpectedEOF) {
		t.Error("which errors are permanent?")
	}
}
