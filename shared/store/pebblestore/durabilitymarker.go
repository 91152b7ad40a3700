package pebblestore

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

// durabilityMarker is the file SYNCED beside the database. It says how much of the database is known to be durable: up to which
// sequence number writes are, and how far the manifest, the list of tables. A log or a manifest that has lost its end
// looks to Pebble like one that a crash cut off in an unsynced write, so it would go on without what is missing, and
// delete the tables that it no longer knows of. What this file says is there is never more than there was, so that it
// need not be synced itself.
type durabilityMarker struct {
	fs   vfs.FS
	name string
	file vfs.File

	manifest markerRecord // only open, close and the witness's goroutine touch it
}

const markerFile = "SYNCED"

// Offsets in the file. Each part is overwritten in one small write.
const (
	logRecordOffset      = 0
	manifestRecordOffset = 64
	markerFileSize       = 128
)

// markerRecord is two numbers in the file, with a checksum. Of the log: the sequence number, and 1 when a start was refused; of the
// manifest: its file number, and its size.
type markerRecord struct{ a, b uint64 }

const markerRecordSize = 20

func (m markerRecord) bytes() []byte {
	b := make([]byte, 0, markerRecordSize)
	b = binary.BigEndian.AppendUint64(b, m.a)
	b = binary.BigEndian.AppendUint64(b, m.b)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// parseMarkerRecord reads a mark; one that is damaged says nothing.
func parseMarkerRecord(b []byte) markerRecord {
	if len(b) < markerRecordSize || crc32.ChecksumIEEE(b[:16]) != binary.BigEndian.Uint32(b[16:]) {
		return markerRecord{}
	}
	return markerRecord{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// restore says what to do about a damaged store.
const restore = "restore the data directory from a copy"

// errDataLoss is the answer of Open when writes are gone that were acknowledged.
func errDataLoss(o Options, what string) error {
	return fmt.Errorf("pebblestore: the store in %s has lost what was acknowledged: %s; %s, or, to go on without what is lost, delete %s",
		o.Dir, what, restore, o.FS.PathJoin(o.Dir, markerFile))
}

// openDurabilityMarker reads the file, and checks the manifest against it: before Pebble opens the database, which would delete
// the tables that a cut manifest does not name.
func openDurabilityMarker(o Options) (*durabilityMarker, markerRecord, error) {
	w := &durabilityMarker{fs: o.FS, name: o.FS.PathJoin(o.Dir, markerFile)}
	log, manifest, err := w.read()
	if err != nil {
		return nil, markerRecord{}, fmt.Errorf("pebblestore: read %s: %w", w.name, err)
	}
	w.manifest = manifest
	if log.b != 0 {
		return nil, markerRecord{}, errDataLoss(o, fmt.Sprintf("an earlier start has found the writes up to number %d missing", log.a))
	}
	if manifest == (markerRecord{}) {
		return w, log, nil
	}
	dir := databaseDir(o)
	number, size, err := currentManifest(o.FS, dir)
	switch {
	case err != nil:
		return nil, markerRecord{}, fmt.Errorf("pebblestore: %s: %w; %s", dir, err, restore)
	case number < manifest.a:
		return nil, markerRecord{}, errDataLoss(o, fmt.Sprintf("%s names no manifest, or an old one; it should be MANIFEST-%06d or a later one", dir, manifest.a))
	case number == manifest.a && size < manifest.b:
		return nil, markerRecord{}, errDataLoss(o, fmt.Sprintf("%s is damaged or cut at byte %d of %d", o.FS.PathJoin(dir, fmt.Sprintf("MANIFEST-%06d", number)), size, manifest.b))
	}
	return w, log, nil
}

func (w *durabilityMarker) read() (log, manifest markerRecord, err error) {
	f, err := w.fs.Open(w.name)
	if errors.Is(err, os.ErrNotExist) {
		return markerRecord{}, markerRecord{}, nil
	}
	if err != nil {
		return markerRecord{}, markerRecord{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, markerFileSize))
	if err != nil {
		return markerRecord{}, markerRecord{}, err
	}
	text = append(text, make([]byte, markerFileSize)...)
	return parseMarkerRecord(text[logRecordOffset:]), parseMarkerRecord(text[manifestRecordOffset:]), nil
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
func (w *durabilityMarker) begin(o Options, log markerRecord, next uint64) error {
	err := func() (err error) {
		if w.file, err = w.fs.OpenReadWrite(w.name, vfs.WriteCategoryUnspecified); err != nil {
			return err
		}
		if log == (markerRecord{}) { // all its blocks, so that a full disk does not matter later
			if _, err = w.file.WriteAt(make([]byte, markerFileSize), 0); err != nil {
				return err
			}
		}
		if next <= log.a {
			if _, err = w.file.WriteAt(markerRecord{log.a, 1}.bytes(), logRecordOffset); err != nil {
				return err
			}
		}
		return errors.Join(w.file.Sync(), syncDir(w.fs, o.Dir))
	}()
	switch {
	case err != nil:
		return fmt.Errorf("pebblestore: write %s: %w", w.name, err)
	case next <= log.a:
		w.file.Close()
		return errDataLoss(o, fmt.Sprintf("the newest log in %s has lost its end, or is gone: it goes up to write %d, and %d were durable", databaseDir(o), next-1, log.a))
	}
	return nil
}

// recordSequence notes that writes are durable up to a sequence number. A failure is no harm: what the file says stays true.
func (w *durabilityMarker) recordSequence(seq uint64) {
	w.file.WriteAt(markerRecord{seq, 0}.bytes(), logRecordOffset)
}

// recordManifest notes how far the manifest is durable, if it has changed.
func (w *durabilityMarker) recordManifest(dir string) {
	number, size, err := currentManifest(w.fs, dir)
	if err != nil || (markerRecord{number, size}) == w.manifest {
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
	w.manifest = markerRecord{number, size}
	w.file.WriteAt(w.manifest.bytes(), manifestRecordOffset)
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
			s.marker.recordManifest(databaseDir(s.options))
		}
	}
}
