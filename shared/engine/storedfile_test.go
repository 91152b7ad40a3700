package engine_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"millrace/shared/store/driver"
)

// storeDump is what a program has left in its store, and how its executions end. Each line of the
// file is one item, its parts separated by tabs:
//
//	at     ms since 1970
//	row    partition, sort key, version, fence, wake, expires, list group, list sort,
//	       list fields, data
//	token  task token, its execution and state
//	end    partition of an execution, how it is stored, and its status, error and output at
//	       the end; event lines follow
//	event  id, id of the event that led to it, type, state, ms after the start, detail
//
// Bytes are in base64; after a ~ they are compressed first.
type storeDump struct {
	at     int64
	rows   []driver.Row
	tokens []storedToken // to be reported, in this order
	ends   []string      // the lines of the kinds end and event
}

type storedToken struct{ token, about string }

// deflateFrom is the length from which on bytes are compressed in the file.
const deflateFrom = 120

func storedBytes(t *testing.T, b []byte) string {
	if len(b) < deflateFrom {
		return base64.StdEncoding.EncodeToString(b)
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return "~" + base64.StdEncoding.EncodeToString(out.Bytes())
}

func bytesOf(t *testing.T, text string) []byte {
	packed, deflated := strings.CutPrefix(text, "~")
	b, err := base64.StdEncoding.DecodeString(packed)
	if err == nil && deflated {
		b, err = io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	}
	if err != nil {
		t.Fatalf("%.40s: %v", text, err)
	}
	return b
}

func number(t *testing.T, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func readStored(t *testing.T, name string) *storeDump {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	s := &storeDump{}
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		p := strings.Split(line, "\t")
		switch {
		case p[0] == "at" && len(p) == 2:
			s.at = number(t, p[1])
		case p[0] == "token" && len(p) == 3:
			s.tokens = append(s.tokens, storedToken{p[1], p[2]})
		case p[0] == "row" && len(p) == 11:
			key := driver.Key{Partition: p[1], Sort: p[2]}
			row := driver.Row{Key: key, Version: number(t, p[3]),
				Fence: p[4], Wake: number(t, p[5]),
				Expires: number(t, p[6]), Data: bytesOf(t, p[10])}
			if p[7] != "" {
				row.List = &driver.ListEntry{Group: p[7], Sort: p[8], Fields: bytesOf(t, p[9])}
			}
			s.rows = append(s.rows, row)
		case p[0] == "end" || p[0] == "event":
			s.ends = append(s.ends, line)
		default:
			t.Fatalf("%s: %.80q is no line of it", name, line)
		}
	}
	return s
}

func (s *storeDump) write(t *testing.T, name string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "at\t%d\n", s.at)
	for _, k := range s.tokens {
		fmt.Fprintf(&b, "token\t%s\t%s\n", k.token, k.about)
	}
	for _, r := range s.rows {
		l := r.List
		if l == nil {
			l = &driver.ListEntry{}
		}
		fmt.Fprintf(&b, "row\t%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\t%s\t%s\n", r.Partition, r.Sort,
			r.Version, r.Fence, r.Wake, r.Expires,
			l.Group, l.Sort, storedBytes(t, l.Fields), storedBytes(t, r.Data))
	}
	for _, line := range s.ends {
		b.WriteString(line + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// partition reads all rows of a partition.
func (w *harness) partition(p string) []driver.Row {
	w.t.Helper()
	rows, _, err := w.mem.Range(context.Background(), driver.Range{Partition: p})
	if err != nil {
		w.t.Fatal(err)
	}
	return rows
}

// put writes rows into the harness's store.
func (w *harness) put(rows []driver.Row) {
	w.t.Helper()
	if err := w.mem.Put(context.Background(), rows); err != nil {
		w.t.Fatal(err)
	}
}
