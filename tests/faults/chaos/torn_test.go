package chaos_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"millrace/tests/support/live"
)

// filled creates a data directory by a kill -9 in the middle of work, with tables, manifest and
// log.
func filled(t *testing.T, known acknowledged) string {
	t.Helper()
	s := live.New(t, live.Options{Settings: "{SweepSeconds: 1, MemtableMegabytes: 1}"})
	s.Start()
	c := s.Client()
	flows(t, c)
	for i := range 400 {
		name, input := fmt.Sprint("x", i), fmt.Sprintf(`{"n":%d,"text":%q}`, i,
			strings.Repeat(string(rune('a'+i%26)), 4000))
		if err := known.start(c, "pass", name, input); err != nil {
			t.Fatal(err)
		}
	}
	noted(t, s.Data)
	for i := range 10 {
		if err := known.start(c, "pass", fmt.Sprint("y", i), "{}"); err != nil {
			t.Fatal(err)
		}
	}
	s.Kill()
	return s.Data
}

// noted waits until there are tables and the durability marker, which the server writes each
// second, covers the whole manifest.
func noted(t *testing.T, dir string) {
	t.Helper()
	for range 100 {
		time.Sleep(1500 * time.Millisecond)
		kinds := files(t, dir)
		note, err := os.ReadFile(filepath.Join(dir, "SYNCED"))
		if err != nil || len(note) < 80 || len(kinds["sst"]) == 0 || len(kinds["MANIFEST"]) == 0 {
			continue
		}
		newest := kinds["MANIFEST"][len(kinds["MANIFEST"])-1]
		about, err := os.Stat(filepath.Join(dir, newest))
		number, size := binary.BigEndian.Uint64(note[64:]), binary.BigEndian.Uint64(note[72:])
		if err == nil && strings.HasSuffix(newest, fmt.Sprintf("MANIFEST-%06d", number)) &&
			size == uint64(about.Size()) {
			return
		}
	}
	t.Fatal("what is durable of the manifest is not noted")
}

// files lists the files of a directory, by kind.
func files(t *testing.T, dir string) map[string][]string {
	t.Helper()
	kinds := map[string][]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // the server has just removed it
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		name := d.Name()
		kind := strings.TrimPrefix(filepath.Ext(name), ".")
		if kind == "" || strings.HasPrefix(name, "marker.") {
			kind, _, _ = strings.Cut(strings.ReplaceAll(name, ".", "-"), "-")
		}
		rel, err := filepath.Rel(dir, path)
		kinds[kind] = append(kinds[kind], rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return kinds
}

// corruption damages one file.
type corruption struct {
	name string
	do   func(text []byte, r *rand.Rand) []byte
}

var corruptions = []corruption{
	{"flip", func(b []byte, r *rand.Rand) []byte {
		if len(b) > 0 {
			b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
		}
		return b
	}},
	{"zero", func(b []byte, r *rand.Rand) []byte {
		if len(b) > 0 {
			at := r.IntN(len(b))
			clear(b[at:min(len(b), at+4096)])
		}
		return b
	}},
	{"cut", func(b []byte, r *rand.Rand) []byte {
		if len(b) > 0 {
			b = b[:r.IntN(len(b))]
		}
		return b
	}},
	{"short", func(b []byte, r *rand.Rand) []byte { return b[:max(0, len(b)-1-r.IntN(40))] }},
	{"empty", func([]byte, *rand.Rand) []byte { return nil }},
	{"gone", nil},
}

// TestTornFiles: a server on a directory with a damaged file either shows everything that was
// acknowledged, or does not start, names the damaged file and says what to do.
func TestTornFiles(t *testing.T) {
	t.Parallel()
	known := acknowledged{}
	whole := filled(t, known)
	kinds := files(t, whole)
	t.Logf("%v", kinds)
	rounds := 1
	_, thorough := long(t)
	if thorough {
		rounds = 12
	}
	seed := uint64(1)
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		names := kinds[kind]
		if kind == "LOCK" { // empty
			continue
		}
		for _, hurt := range corruptions {
			for round := range rounds {
				vital := kind == "log" || kind == "MANIFEST" || kind == "sst"
				if !thorough && !vital && hurt.do != nil {
					continue
				}
				seed++
				r := rand.New(rand.NewPCG(seed, 7))
				file := names[len(names)-1-min(round, len(names)-1)]
				t.Run(fmt.Sprintf("%s/%s/%d", kind, hurt.name, round), func(t *testing.T) {
					torn(t, whole, file, hurt, r, known)
				})
			}
		}
	}
}

func torn(t *testing.T, whole, file string, hurt corruption, r *rand.Rand, known acknowledged) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if hurt.do == nil {
		err = os.Remove(path)
	} else {
		err = os.WriteFile(path, hurt.do(text, r), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := live.New(t, live.Options{Data: dir, Settings: "{SweepSeconds: 1}", AllowBadLog: true})
	if s.StartAndWait() && len(known.missing(s.Client(), endWait)) == 0 {
		return
	}
	// It must have ended, named the damaged file of the directory, and said what to do.
	if s.PID() != 0 && s.WaitExit(time.Minute) == nil {
		t.Error("it goes on without what it had acknowledged, or ends as if all were well")
	}
	if text := s.Log.String(); !strings.Contains(text, "restore") || !strings.Contains(text, dir) {
		t.Errorf("it says %s", text)
	}
}
