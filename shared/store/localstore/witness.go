package localstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// witness is the file SYNCED beside the database. It says how much of the database is known to be durable: up to which
// sequence number writes are, and how far the manifest, the list of tables. A log or a manifest that has lost its end
// looks to Pebble like one that a crash cut off in an unsynced write, so it would go on without what is missing, and
// delete the tables that it no longer knows of. What this file says is there is never more than there was, so that it
// need not be synced itself.
type witness struct {
	fs   vfs.FS
	name string
	file vfs.File

	manifest mark // only open, close and the witness's goroutine touch it
}

const witnessFile = "SYNCED"

// Offsets in the file. Each part is overwritten in one small write.
const (
	markOfLog      = 0
	markOfManifest = 64
	witnessSize    = 128
)

// mark is two numbers in the file, with a checksum. Of the log: the sequence number, and 1 when a start was refused; of the
// manifest: its file number, and its size.
type mark struct{ a, b uint64 }

const markSize = 20

func (m mark) bytes() []byte {
	b := make([]byte, 0, markSize)
	b = binary.BigEndian.AppendUint64(b, m.a)
	b = binary.BigEndian.AppendUint64(b, m.b)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// parseMark reads a mark; one that is damaged says nothing.
func parseMark(b []byte) mark {
	if len(b) < markSize || crc32.ChecksumIEEE(b[:16]) != binary.BigEndian.Uint32(b[16:]) {
		return mark{}
	}
	return mark{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// restore says what to do about a damaged store.
const restore = "restore the data directory from a copy"

// errLost is the answer of Open when writes are gone that were acknowledged.
func errLost(o Options, what string) error {
	return fmt.Errorf("localstore: the store in %s has lost what was acknowledged: %s; %s, or, to go on without what is lost, delete %s",
		o.Dir, what, restore, o.FS.PathJoin(o.Dir, witnessFile))
}

// openWitness reads the file, and checks the manifest against it: before Pebble opens the database, which would delete
// the tables that a cut manifest does not name.
func openWitness(o Options) (*witness, mark, error) {
	w := &witness{fs: o.FS, name: o.FS.PathJoin(o.Dir, witnessFile)}
	log, manifest, err := w.read()
	if err != nil {
		return nil, mark{}, fmt.Errorf("localstore: read %s: %w", w.name, err)
	}
	w.manifest = manifest
	if log.b != 0 {
		return nil, mark{}, errLost(o, fmt.Sprintf("an earlier start has found the writes up to number %d missing", log.a))
	}
	if manifest == (mark{}) {
		return w, log, nil
	}
	dir := databaseDir(o)
	number, size, err := currentManifest(o.FS, dir)
	switch {
	case err != nil:
		return nil, mark{}, fmt.Errorf("localstore: %s: %w; %s", dir, err, restore)
	case number < manifest.a:
		return nil, mark{}, errLost(o, fmt.Sprintf("%s names no manifest, or an old one; it should be MANIFEST-%06d or a later one", dir, manifest.a))
	case number == manifest.a && size < manifest.b:
		return nil, mark{}, errLost(o, fmt.Sprintf("%s is damaged or cut at byte %d of %d", o.FS.PathJoin(dir, fmt.Sprintf("MANIFEST-%06d", number)), size, manifest.b))
	}
	return w, log, nil
}

func (w *witness) read() (log, manifest mark, err error) {
	f, err := w.fs.Open(w.name)
	if errors.Is(err, os.ErrNotExist) {
		return mark{}, mark{}, nil
	}
	if err != nil {
		return mark{}, mark{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, witnessSize))
	if err != nil {
		return mark{}, mark{}, err
	}
	text = append(text, make([]byte, witnessSize)...)
	return parseMark(text[markOfLog:]), parseMark(text[markOfManifest:]), nil
}

// currentManifest gives the number of the manifest in use, 0 for none, and how many bytes of it are whole records.
func currentManifest(fs vfs.FS, dir string) (number, size uint64, err error) {
	about, err := pebble.Peek(dir, fs)
	if err != nil || !about.Exists {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(fs.PathBase(about.ManifestFilename), "MANIFEST-%d", &number); err != nil {
		return 0, 0, err
	}
	f, err := fs.Open(about.ManifestFilename)
	if err != nil {
		return number, 0, nil // it is gone
	}
	defer f.Close()
	for r := record.NewReader(f, 0); ; size = uint64(r.Offset()) {
		text, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, text)
		}
		if err != nil {
			return number, size, nil // here it ends, for Pebble too
		}
	}
}

// begin makes the file ready for writing. next is the sequence number of the first write of this process; log is what the
// file said.
func (w *witness) begin(o Options, log mark, next uint64) error {
	err := func() (err error) {
		if w.file, err = w.fs.OpenReadWrite(w.name, vfs.WriteCategoryUnspecified); err != nil {
			return err
		}
		if log == (mark{}) { // all its blocks, so that a full disk does not matter later
			if _, err = w.file.WriteAt(make([]byte, witnessSize), 0); err != nil {
				return err
			}
		}
		if next <= log.a {
			if _, err = w.file.WriteAt(mark{log.a, 1}.bytes(), markOfLog); err != nil {
				return err
			}
		}
		return errors.Join(w.file.Sync(), syncDir(w.fs, o.Dir))
	}()
	switch {
	case err != nil:
		return fmt.Errorf("localstore: write %s: %w", w.name, err)
	case next <= log.a:
		w.file.Close()
		return errLost(o, fmt.Sprintf("the newest log in %s has lost its end, or is gone: it goes up to write %d, and %d were durable", databaseDir(o), next-1, log.a))
	}
	return nil
}

// durable notes that writes are durable up to a sequence number. A failure is no harm: what the file says stays true.
func (w *witness) durable(seq uint64) {
	w.file.WriteAt(mark{seq, 0}.bytes(), markOfLog)
}

// look notes how far the manifest is durable, if it has changed.
func (w *witness) look(dir string) {
	number, size, err := currentManifest(w.fs, dir)
	if err != nil || (mark{number, size}) == w.manifest {
		return
	}
	f, err := w.fs.Open(w.fs.PathJoin(dir, fmt.Sprintf("MANIFEST-%06d", number)))
	if err != nil {
		return
	}
	defer f.Close()
	if f.Sync() != nil {
		return
	}
	w.manifest = mark{number, size}
	w.file.WriteAt(w.manifest.bytes(), markOfManifest)
}

// watchManifest looks at the manifest each second until the store is closed.
func (s *Store) watchManifest() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-tick.C:
			s.witness.look(databaseDir(s.options))
		}
	}
}
