package pebblestore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// directoryFormat is the format number of the directory and its keys. It is raised if an older
// program could not read what a newer one writes.
const directoryFormat = 1

const (
	formatFile   = "FORMAT"
	formatPrefix = "millrace localstore "
)

func databaseDir(o Options) string { return o.FS.PathJoin(o.Dir, "db") }

// checkForeign rejects a directory with files of others, among which the store would put its own. A
// directory without a format is new: at most its lock and an unfinished format are there.
func checkForeign(o Options) error {
	for _, own := range []string{o.FS.PathJoin(o.Dir, formatFile), databaseDir(o)} {
		if _, err := o.FS.Stat(own); err == nil {
			return nil
		}
	}
	names, err := o.FS.List(o.Dir)
	if err != nil {
		return nil // it does not exist, or what creates the files reports why they cannot be
	}
	for _, name := range names {
		switch name {
		case "LOCK", formatFile + ".new", "lost+found":
		default:
			return fmt.Errorf("pebblestore: the data directory %s holds other files, like %.60q, "+
				"and no store: choose an empty one, or one that does not exist yet", o.Dir, name)
		}
	}
	return nil
}

// lockDirectory creates the directory and takes its lock. The system releases the lock when the
// process ends, however it ends.
func lockDirectory(o Options) (*pebble.Lock, error) {
	if err := makeDir(o.FS, o.Dir); err != nil {
		return nil, fmt.Errorf("pebblestore: make the data directory: %w", err)
	}
	lock, err := pebble.LockDirectory(o.Dir, o.FS)
	var path *os.PathError
	switch {
	case err == nil:
		return lock, nil
	case errors.As(err, &path): // the lock file cannot be created
		return nil, fmt.Errorf("pebblestore: the data directory cannot be written: %w", err)
	default:
		return nil, fmt.Errorf("pebblestore: the data directory %s is in use by another "+
			"process (%w): "+
			"stop that one first, or choose another directory", o.Dir, err)
	}
}

// makeDir creates a directory and its parents, and syncs each into its parent: a synced file is not
// durable if a power cut can remove its directory.
func makeDir(fs vfs.FS, dir string) error {
	if _, err := fs.Stat(dir); err == nil {
		return nil
	}
	parent := fs.PathDir(dir)
	if parent != dir {
		if err := makeDir(fs, parent); err != nil {
			return err
		}
	}
	if err := fs.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(fs, parent)
}

func syncDir(fs vfs.FS, dir string) error {
	d, err := fs.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// checkFormat reads the format of the directory, or writes it into a new one.
func checkFormat(o Options) error {
	name := o.FS.PathJoin(o.Dir, formatFile)
	text, err := readFile(o.FS, name)
	if errors.Is(err, os.ErrNotExist) {
		if _, err := o.FS.Stat(databaseDir(o)); err == nil {
			return fmt.Errorf("pebblestore: %s holds a database but no file %s: "+
				"it is not a store of ours or it is damaged; "+
				"choose another directory, or restore the file from a copy", o.Dir, formatFile)
		}
		return writeFormat(o, name)
	}
	if err != nil {
		return fmt.Errorf("pebblestore: read the format of %s: %w", o.Dir, err)
	}
	number, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(text, formatPrefix)))
	switch {
	case err != nil || number < 1 || !strings.HasPrefix(text, formatPrefix):
		return fmt.Errorf(
			"pebblestore: %s does not name a format: %.60q; restore the file from a copy", name,
			text)
	case number > directoryFormat:
		return fmt.Errorf(
			"pebblestore: %s was written by a newer program (format %d, this one knows up to %d): "+
				"start that one, or choose another directory", o.Dir, number, directoryFormat)
	}
	return nil
}

// writeFormat writes the file atomically.
func writeFormat(o Options, name string) error {
	err := func() error {
		f, err := o.FS.Create(name+".new", vfs.WriteCategoryUnspecified)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(f, "%s%d\n", formatPrefix, directoryFormat)
		if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := o.FS.Rename(name+".new", name); err != nil {
			return err
		}
		return syncDir(o.FS, o.Dir)
	}()
	if err != nil {
		return fmt.Errorf("pebblestore: write %s: %w", name, err)
	}
	return nil
}

func readFile(fs vfs.FS, name string) (string, error) {
	f, err := fs.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<10))
	return string(b), err
}
