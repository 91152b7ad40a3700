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

// durabilityMarker is the file SYNCED beside the database. It records how much of the database is
// durable: the sequence number up to which writes are durable, and the durable size of the
// manifest, the list of tables.
//
// Without it, Pebble takes a log or a manifest that has lost its end for one that a crash cut off
// in an unsynced write: it would go on without the missing part, and delete the tables that it no
// longer knows of. The file never records more than was durable, so it need not be synced itself.
type durabilityMarker struct {
	fs   vfs.FS
	name string
	file vfs.File

	manifest markerRecord // used only by Open, Close and the goroutine of watchManifest
}

const markerFile = "SYNCED"

// Offsets in the file. Each record is overwritten in one small write.
const (
	logRecordOffset      = 0
	manifestRecordOffset = 64
	markerFileSize       = 128
)

// markerRecord is two numbers in the file, with a checksum. For the log: the sequence number, and 1
// if an earlier Open found writes missing. For the manifest: its file number and its size.
type markerRecord struct{ a, b uint64 }

const markerRecordSize = 20

func (m markerRecord) bytes() []byte {
	b := make([]byte, 0, markerRecordSize)
	b = binary.BigEndian.AppendUint64(b, m.a)
	b = binary.BigEndian.AppendUint64(b, m.b)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// parseMarkerRecord decodes a record. It returns the zero record if the record is damaged.
func parseMarkerRecord(b []byte) markerRecord {
	if len(b) < markerRecordSize || crc32.ChecksumIEEE(b[:16]) != binary.BigEndian.Uint32(b[16:]) {
		return markerRecord{}
	}
	return markerRecord{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// restore is the advice for a damaged store.
const restore = "restore the data directory from a copy"

// errDataLoss returns the error of Open if acknowledged writes are missing.
func errDataLoss(o Options, what string) error {
	return fmt.Errorf(
		"pebblestore: the store in %s has lost what was acknowledged: %s; %s, "+
			"or, to go on without what is lost, delete %s",
		o.Dir, what, restore, o.FS.PathJoin(o.Dir, markerFile))
}

// openDurabilityMarker reads the file and checks the manifest against it. This must happen before
// Pebble opens the database, because Pebble would delete the tables that a cut manifest does not
// name.
func openDurabilityMarker(o Options) (*durabilityMarker, markerRecord, error) {
	m := &durabilityMarker{fs: o.FS, name: o.FS.PathJoin(o.Dir, markerFile)}
	log, manifest, err := m.read()
	if err != nil {
		return nil, markerRecord{}, fmt.Errorf("pebblestore: read %s: %w", m.name, err)
	}
	m.manifest = manifest
	if log.b != 0 {
		return nil, markerRecord{}, errDataLoss(o,
			fmt.Sprintf("an earlier start has found the writes up to number %d missing", log.a))
	}
	if manifest == (markerRecord{}) {
		return m, log, nil
	}
	dir := databaseDir(o)
	number, size, err := currentManifest(o.FS, dir)
	switch {
	case err != nil:
		return nil, markerRecord{}, fmt.Errorf("pebblestore: %s: %w; %s", dir, err, restore)
	case number < manifest.a:
		return nil, markerRecord{}, errDataLoss(o,
			fmt.Sprintf("%s names no manifest, or an old one; it should be MANIFEST-%06d or "+
				"a later one", dir, manifest.a))
	case number == manifest.a && size < manifest.b:
		return nil, markerRecord{}, errDataLoss(o,
			fmt.Sprintf("%s is damaged or cut at byte %d of %d",
				o.FS.PathJoin(dir, fmt.Sprintf("MANIFEST-%06d", number)), size, manifest.b))
	}
	return m, log, nil
}

func (m *durabilityMarker) read() (log, manifest markerRecord, err error) {
	f, err := m.fs.Open(m.name)
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
	return parseMarkerRecord(text[logRecordOffset:]),
		parseMarkerRecord(text[manifestRecordOffset:]), nil
}

// currentManifest returns the number of the current manifest, 0 if there is none, and the size of
// its whole records in bytes.
func currentManifest(fs vfs.FS, dir string) (number, size uint64, err error) {
	desc, err := pebble.Peek(dir, fs)
	if err != nil || !desc.Exists {
		return 0, 0, err
	}
	if _, err := fmt.Sscanf(
		fs.PathBase(desc.ManifestFilename), "MANIFEST-%d", &number,
	); err != nil {
		return 0, 0, err
	}
	f, err := fs.Open(desc.ManifestFilename)
	if err != nil {
		return number, 0, nil // the file is missing
	}
	defer f.Close()
	for r := record.NewReader(f, 0); ; size = uint64(r.Offset()) {
		text, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, text)
		}
		if err != nil {
			return number, size, nil // Pebble reads up to here, too
		}
	}
}

// begin opens the file for writing. next is the sequence number of the first write of this process;
// log is the record that the file held. It returns an error if writes that log records are missing.
func (m *durabilityMarker) begin(o Options, log markerRecord, next uint64) error {
	err := func() (err error) {
		if m.file, err = m.fs.OpenReadWrite(m.name, vfs.WriteCategoryUnspecified); err != nil {
			return err
		}
		// allocates all blocks of the file, so that a full disk does not matter later
		if log == (markerRecord{}) {
			if _, err = m.file.WriteAt(make([]byte, markerFileSize), 0); err != nil {
				return err
			}
		}
		if next <= log.a {
			if _, err = m.file.WriteAt(
				markerRecord{log.a, 1}.bytes(), logRecordOffset,
			); err != nil {
				return err
			}
		}
		return errors.Join(m.file.Sync(), syncDir(m.fs, o.Dir))
	}()
	switch {
	case err != nil:
		return fmt.Errorf("pebblestore: write %s: %w", m.name, err)
	case next <= log.a:
		m.file.Close()
		return errDataLoss(o,
			fmt.Sprintf("the newest log in %s has lost its end, or is gone: "+
				"it goes up to write %d, and %d were durable", databaseDir(o), next-1, log.a))
	}
	return nil
}

// recordSequence records that writes are durable up to a sequence number. It ignores a failure,
// because the file then still holds an earlier number.
func (m *durabilityMarker) recordSequence(seq uint64) {
	m.file.WriteAt(markerRecord{seq, 0}.bytes(), logRecordOffset)
}

// recordManifest syncs the manifest and records its size, if it has changed.
func (m *durabilityMarker) recordManifest(dir string) {
	number, size, err := currentManifest(m.fs, dir)
	if err != nil || (markerRecord{number, size}) == m.manifest {
		return
	}
	f, err := m.fs.Open(m.fs.PathJoin(dir, fmt.Sprintf("MANIFEST-%06d", number)))
	if err != nil {
		return
	}
	defer f.Close()
	if f.Sync() != nil {
		return
	}
	m.manifest = markerRecord{number, size}
	m.file.WriteAt(m.manifest.bytes(), manifestRecordOffset)
}

// watchManifest checks the manifest every second until the store is closed.
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
