package folderobject_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/object"
	"millrace/shared/object/folderobject"
)

func open(t *testing.T) (*folderobject.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := folderobject.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, dir
}

// TestOutside: nothing outside the directory is read, listed or written: by no key, and through no
// link.
func TestOutside(t *testing.T) {
	s, dir := open(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link": secret, "folder": outside} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	up, err := filepath.Rel(dir, secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"link", "folder/secret", filepath.ToSlash(up), secret, "../x", "/x",
		".", "a/../../x", "a//b", `..\x`, "nul\x00"} {
		name := object.Name{Bucket: "b", Key: key}
		if _, _, err := s.Open(t.Context(), name, "", 0); err == nil {
			t.Errorf("%q is read", key)
		}
		if key != "link" && s.Put(t.Context(), name, []byte("y")) == nil {
			t.Errorf("%q is written", key)
		}
	}
	l, err := s.List(t.Context(), object.Name{Bucket: "b"}, "", "", 10)
	if err != nil || len(l.Objects) != 0 {
		t.Errorf("%+v %v", l, err)
	}
	if text, err := os.ReadFile(secret); string(text) != "x" {
		t.Errorf("it holds %q %v", text, err)
	}
}

// TestChangedInPlace: a file that is written to while it is read is never read as a mixture.
func TestChangedInPlace(t *testing.T) {
	s, dir := open(t)
	path := filepath.Join(dir, "log")
	if err := os.WriteFile(path, []byte(strings.Repeat("a", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, r, err := s.Open(t.Context(), object.Name{Bucket: "b", Key: "log"}, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("b", 2000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, object.ErrChanged) {
		t.Error(err)
	}
}

// TestFolders: a folder is no object, a file that Put has not completed is none, and an error does
// not tell where the directory is.
func TestFolders(t *testing.T) {
	s, dir := open(t)
	name := object.Name{Bucket: "b", Key: "a/b"}
	if err := s.Put(t.Context(), name, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", ".millrace-1"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := s.List(t.Context(), name, "", "", 10)
	if err != nil || len(l.Objects) != 1 || l.Objects[0].Key != "a/b" {
		t.Errorf("%+v %v", l, err)
	}
	for key, want := range map[string]error{"a": object.ErrNoObject, "a/b/c": nil,
		"a/.millrace-1": object.ErrName} {
		_, _, err := s.Open(t.Context(), object.Name{Bucket: "b", Key: key}, "", 0)
		if err == nil || want != nil && !errors.Is(err, want) ||
			strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := folderobject.Open(filepath.Join(dir, "none")); err == nil {
		t.Error("a directory that does not exist is a bucket")
	}
}
