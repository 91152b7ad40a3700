// Package folderobject keeps the objects of a bucket as files in a directory of this machine. The key
// of an object is the path of its file, with slashes. Nothing outside the directory is reached, by no
// key and through no symbolic link (os.Root).
package folderobject

import (
	"container/heap"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"millrace/shared/object"
)

// Store is an object.Store over a directory. It serves its bucket under any name.
type Store struct{ root *os.Root }

// Open returns the store over a directory, which must exist.
func Open(dir string) (*Store, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Store{root}, nil
}

// Close closes the directory.
func (s *Store) Close() error { return s.root.Close() }

// temporary begins the names of files that Put has not completed. They are no objects.
const temporary = ".millrace-"

// check returns an error for a key that is the path of no file in the directory.
func check(key string) error {
	if key == "" || len(key) > object.KeyMax || !fs.ValidPath(key) || key == "." ||
		strings.ContainsAny(key, "\\\x00") || strings.HasPrefix(path.Base(key), temporary) {
		return fmt.Errorf("%w in a directory: %q", object.ErrName, key)
	}
	return nil
}

// known returns the error of package object that err is, or the reason of err without the path on
// this machine.
func known(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return object.ErrNoObject
	case errors.Is(err, fs.ErrPermission):
		return object.ErrDenied
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// etag returns the ETag of a file: it changes with the size and the time of the last change.
func etag(f fs.FileInfo) string {
	return strconv.FormatInt(f.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(f.Size(), 36)
}

func infoOf(key string, f fs.FileInfo) object.Info {
	return object.Info{Key: key, Size: f.Size(), ETag: etag(f), Modified: f.ModTime().UTC()}
}

// Open implements object.Store. A file that is changed in place while it is read is an ErrChanged
// when the reader comes to its end or has read what changed.
func (s *Store) Open(
	_ context.Context, name object.Name, tag string, offset int64,
) (object.Info, io.ReadCloser, error) {
	if err := check(name.Key); err != nil {
		return object.Info{}, nil, err
	}
	if i, err := s.root.Stat(name.Key); err != nil {
		return object.Info{}, nil, known(err)
	} else if !i.Mode().IsRegular() { // opening a pipe would wait for a writer
		return object.Info{}, nil, object.ErrNoObject
	}
	f, err := s.root.Open(name.Key)
	if err != nil {
		return object.Info{}, nil, known(err)
	}
	r := &reader{f: f}
	i, err := f.Stat()
	if err == nil {
		r.etag = etag(i)
		if tag != "" && tag != r.etag {
			err = object.ErrChanged
		} else {
			_, err = f.Seek(offset, io.SeekStart)
		}
	}
	if err != nil {
		f.Close()
		return object.Info{}, nil, known(err)
	}
	return infoOf(name.Key, i), r, nil
}

// reader reads a file, and looks after each read whether it is still the same.
type reader struct {
	f    *os.File
	etag string
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.f.Read(p)
	if i, failed := r.f.Stat(); failed != nil || etag(i) != r.etag {
		return 0, object.ErrChanged
	}
	if err != nil && err != io.EOF {
		err = known(err)
	}
	return n, err
}

func (r *reader) Close() error { return r.f.Close() }

// List implements object.Store. It walks the directory, and keeps no more names than it returns.
func (s *Store) List(
	ctx context.Context, _ object.Name, prefix, after string, limit int,
) (object.Listing, error) {
	w := &walk{s: s, ctx: ctx, prefix: prefix, after: after, limit: limit}
	if err := w.folder("."); err != nil {
		return object.Listing{}, known(err)
	}
	l := object.Listing{More: w.more, Objects: make([]object.Info, len(w.found))}
	for i := len(w.found) - 1; i >= 0; i-- {
		l.Objects[i] = heap.Pop(&w.found).(object.Info)
	}
	return l, nil
}

// walk finds the first objects after a key. Keys are in the order of bytes, in which "a.b" comes
// before "a/b", so folders are not walked in the order of keys.
type walk struct {
	s             *Store
	ctx           context.Context
	prefix, after string
	limit         int
	found         lastFirst
	more          bool
}

// entriesMax is how many entries of a folder are read at a time.
const entriesMax = 256

func (w *walk) folder(dir string) error {
	f, err := w.s.root.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	for {
		entries, err := f.ReadDir(entriesMax)
		for _, e := range entries {
			if err := w.entry(path.Join(dir, e.Name()), e); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return w.ctx.Err()
		} else if err != nil {
			return err
		}
	}
}

func (w *walk) entry(key string, e fs.DirEntry) error {
	if e.IsDir() {
		inside := key + "/"
		n := min(len(inside), len(w.prefix))
		// Keys inside begin with `inside`: none of them may be wanted.
		if inside[:n] != w.prefix[:n] ||
			inside < w.after && !strings.HasPrefix(w.after, inside) {
			return nil
		}
		return w.folder(key)
	}
	if !strings.HasPrefix(key, w.prefix) || key <= w.after || check(key) != nil {
		return nil
	}
	i, err := w.s.root.Stat(key)
	if err != nil || !i.Mode().IsRegular() {
		return nil // it is gone, or a link that leads out of the directory: no object
	}
	heap.Push(&w.found, infoOf(key, i))
	if len(w.found) > w.limit {
		heap.Pop(&w.found)
		w.more = true
	}
	return nil
}

// lastFirst is a heap of objects with the last key on top.
type lastFirst []object.Info

func (h lastFirst) Len() int           { return len(h) }
func (h lastFirst) Less(i, j int) bool { return h[i].Key > h[j].Key }
func (h lastFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *lastFirst) Push(x any)        { *h = append(*h, x.(object.Info)) }
func (h *lastFirst) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// Put implements object.Store: it writes a temporary file beside the object and renames it.
func (s *Store) Put(_ context.Context, name object.Name, body []byte) error {
	if err := check(name.Key); err != nil {
		return err
	}
	dir := path.Dir(name.Key)
	if err := s.root.MkdirAll(dir, 0o777); err != nil {
		return known(err)
	}
	beside := path.Join(dir, temporary+rand.Text())
	err := s.write(beside, body)
	if err == nil {
		err = s.root.Rename(beside, name.Key)
	}
	if err == nil {
		err = s.sync(dir)
	} else {
		s.root.Remove(beside)
	}
	return known(err)
}

func (s *Store) write(name string, body []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if _, err = f.Write(body); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// sync makes the names in a folder durable. Where folders cannot be synced, they need not be.
func (s *Store) sync(dir string) error {
	f, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}
