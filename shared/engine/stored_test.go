package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

var update = flag.Bool("update", false,
	"write testdata/stored anew for the format that the program writes now")

// storedNow is the file of the format that the program writes now. A state row begins with its
// number.
const storedNow = "testdata/stored/4.txt"

// TestStored: this program reads what a program of this format has stored, and every execution in
// it ends as it should, with its whole history, in an engine's own store and in a shared one.
func TestStored(t *testing.T) {
	if *update {
		synctest.Test(t, func(t *testing.T) {
			w := newHarness(t)
			s := makeStored(w)
			s.ends = s.finish(t, nil)
			s.write(t, storedNow)
		})
	}
	files, err := filepath.Glob("testdata/stored/*.txt")
	if err != nil || !slices.Contains(files, storedNow) {
		t.Fatal(files, err)
	}
	for _, file := range files {
		edits := map[string]func(*engine.Options){"alone": nil, "shared": sharedStore}
		for name, edit := range edits {
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := readStored(t, file)
					time.Sleep(time.Until(time.UnixMilli(s.at)))
					compareLines(t, s.finish(t, edit), s.ends)
				})
			})
		}
	}
}

// compareLines reports the first lines that differ.
func compareLines(t *testing.T, got, want []string) {
	t.Helper()
	bad, about := 0, ""
	for i := range max(len(got), len(want)) {
		g, w := "", ""
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
			if strings.HasPrefix(w, "end") {
				about = w
			}
		}
		if g != w {
			t.Errorf("%.100s:\n  got %s\n want %s", about, g, w)
			if bad++; bad == 10 {
				return
			}
		}
	}
}

// finish lets the executions end and returns the lines that describe their ends.
func (s *storeDump) finish(t *testing.T, edit func(*engine.Options)) []string {
	w := newHarness(t)
	w.put(s.rows)
	until := map[string]*store.Execution{} // as they are stored
	for _, row := range s.rows {
		if row.Sort == "a" && strings.HasPrefix(row.Partition, "x#") {
			x, err := w.store.Load(context.Background(), row.Partition)
			if err != nil {
				t.Fatal(err)
			}
			until[row.Partition] = x
		}
	}
	definitions := s.definitions()
	h := w.open(edit)
	time.Sleep(time.Minute)
	for i, k := range s.tokens {
		report := engine.Report{Output: fmt.Appendf(nil, `{"report":%d}`, i)}
		if strings.HasSuffix(k.about, "/Z") {
			report = engine.Report{Error: &flow.Error{Name: "Broken", Cause: "told so"}}
		}
		if _, err := h.Report(context.Background(), account, k.token, report); err != nil {
			t.Errorf("the token of %s: %v", k.about, err)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(3 * time.Hour)
	synctest.Wait()
	h.close()
	var lines []string
	for _, row := range s.rows {
		if before := until[row.Partition]; before != nil && row.Sort == "a" {
			lines = append(lines, w.endOf(row.Partition, definitions, before)...)
		}
	}
	return lines
}

// definitions returns the definitions among the rows, by flow id and hash.
func (s *storeDump) definitions() map[driver.Key]string {
	all := map[driver.Key]string{}
	for _, row := range s.rows {
		if store.KindOf(row.Key) == store.DefinitionRow {
			all[row.Key] = string(row.Data)
		}
	}
	return all
}

// eventsMax is how many events have a line each.
const eventsMax = 12

// endOf returns the lines about an execution's end and its history. The times of events after the
// last stored one depend on the engine, not on the store.
func (w *harness) endOf(
	partition string, definitions map[driver.Key]string, before *store.Execution,
) []string {
	w.t.Helper()
	ctx := context.Background()
	x, err := w.store.Load(ctx, partition)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := compile(definitions[driver.Key{Partition: "d#" + x.FlowID, Sort: x.Hash}],
		flow.Standard)
	if err != nil {
		w.t.Fatalf("the definition of %s: %v", partition, err)
	}
	if err := w.store.LoadValues(ctx, x, []*flow.Value{x.Output}); err != nil {
		w.t.Fatal(err)
	}
	output, failed := "-", "-"
	if x.Output != nil {
		output = string(x.Output.Text())
	}
	if x.Error != nil {
		failed = fmt.Sprintf("%q", []string{x.Error.Name, x.Error.Cause})
	}
	if !x.Status.Final() {
		w.t.Errorf("%s is %v", partition, x.Status)
	}
	events := w.history(&store.Flow{ID: x.FlowID, Name: x.Flow}, x.Name)
	lines := []string{fmt.Sprintf("end\t%s\t%v, %d events\t%v\t%s\t%s", partition, before.Status,
		before.LastEvent, x.Status, failed, short(output))}
	var all strings.Builder
	for _, e := range events {
		after := "-"
		if e.ID <= before.LastEvent {
			after = fmt.Sprint(e.Time - x.Started)
		}
		detail := string(e.AppendDetail(nil, m))
		fmt.Fprintf(&all, "%d %d %v %s %s %s\n", e.ID, e.Schedule, e.Type, e.StepName(m),
			after, detail)
		if len(events) <= eventsMax {
			lines = append(lines, fmt.Sprintf("event\t%d\t%d\t%v\t%s\t%s\t%s", e.ID, e.Schedule,
				e.Type, e.StepName(m), after, short(detail)))
		}
	}
	return append(lines,
		fmt.Sprintf("event\t%d in all\t%x", len(events), sha256.Sum256([]byte(all.String()))))
}

// short returns a text, abbreviated if it is too long for a line of the file.
func short(text string) string {
	if len(text) <= 60 {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:40], len(text))
}

// TestStoredIsWrittenAlike: this program writes the rows of its own format exactly as the file has
// them, so none of their encodings has changed without its number.
func TestStoredIsWrittenAlike(t *testing.T) {
	s := readStored(t, storedNow)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.UnixMilli(s.at)))
		w := newHarness(t)
		w.put(s.rows)
		started, kinds := map[string]int64{}, map[string]int{}
		for _, row := range s.rows {
			written, kind := w.reencode(row, started)
			kinds[kind]++
			if written != nil && !bytes.Equal(written, row.Data) {
				t.Errorf("%s %s is written as\n%q, was\n%q", row.Partition, row.Sort,
					written, row.Data)
			}
		}
		for _, kind := range []string{"state", "history", "value", "inbox", "flow", "definition",
			"tombstone"} {
			if kinds[kind] == 0 {
				t.Errorf("%s: %v hold none", kind, kinds)
			}
		}
	})
}

// reencode reads a row and returns what the program writes for it (nil: not an encoding of ours),
// and the kind of the row.
func (w *harness) reencode(row driver.Row, started map[string]int64) (data []byte, kind string) {
	w.t.Helper()
	ctx := context.Background()
	var err error
	_, tomb := store.ParseTombstone(row.Key)
	switch {
	case tomb:
		kind = "tombstone"
		var is store.Tombstone
		if is, err = w.store.Tombstone(ctx, row.Key); err == nil && is.Name != "deleted" {
			err = fmt.Errorf("it is of %q", is.Name)
		}
	case store.KindOf(row.Key) == store.DefinitionRow:
		kind = "definition"
		_, err = compile(string(row.Data), flow.Standard)
	case strings.HasPrefix(row.Partition, "f#"):
		kind = "flow"
		var f *store.Flow
		if f, err = w.store.GetFlow(ctx, account,
			strings.TrimPrefix(row.Partition, "f#"+account+"#")); err == nil {
			_, err = w.store.Definition(ctx, f.ID, f.Hash)
		}
	case store.IsValue(row.Key):
		kind = "value"
	case store.IsInboxEntry(row.Key):
		kind = "inbox"
		var l *store.InboxEntry
		if l, err = w.store.InboxEntry(ctx, row.Key); err == nil {
			if err = w.store.RescheduleInboxEntry(ctx, l, l.Wake+1); err == nil {
				data = w.row(row.Key).Data
			}
		}
	case row.Sort == "a":
		kind = "state"
		var x *store.Execution
		if x, err = w.store.Load(ctx, row.Partition); err != nil {
			break
		}
		started[row.Partition] = x.Started
		if len(x.Body) > 0 {
			if got, berr := reencodeBody(x); berr != nil || !bytes.Equal(got, x.Body) {
				w.t.Errorf("the body of %s is written as\n%q, was\n%q, %v", row.Partition,
					got, x.Body, berr)
			}
		}
		same := &store.Change{Status: x.Status, Stopped: x.Stopped, Output: x.Output,
			Error: x.Error, LastEvent: x.LastEvent,
			LastTime: x.LastTime, Wake: x.Wake, SweepAttempts: x.SweepAttempts,
			EngineAttempts: x.EngineAttempts}
		if err = w.store.Commit(ctx, x, same); err == nil {
			data = w.row(row.Key).Data
		}
	case strings.HasPrefix(row.Sort, "h#"):
		kind = "history"
		var events []flow.HistoryEvent
		if events, err = flow.DecodeEvents(row.Data, started[row.Partition]); err == nil {
			for i := range events {
				events[i].Values(clearRef)
			}
			for _, n := range commitsOf(row.Data) {
				data = flow.AppendEvents(data, started[row.Partition], events[:n])
				events = events[n:]
			}
		}
	}
	if err != nil || kind == "" {
		w.t.Errorf("%s %s: %v", row.Partition, row.Sort, err)
	}
	return data, kind
}

// commitsOf returns how many events each commit has added to a history: the first of them has its
// id, the others follow it.
func commitsOf(history []byte) (counts []int) {
	for len(history) > 0 {
		length, width := binary.Uvarint(history)
		event := history[width : width+int(length)]
		history = history[width+int(length):]
		r, first := flow.ReadFields(event), false
		for r.Next() {
			first = first || r.Field == 2
		}
		if first {
			counts = append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	return counts
}

// clearRef removes the reference from a value that is stored in its event, because it had none when
// that was written.
func clearRef(_ byte, v *flow.Value) {
	if v.Loaded() {
		v.SetRef(flow.Ref{})
	}
}

func reencodeBody(x *store.Execution) ([]byte, error) {
	s := interp.New(interp.Facts{Dialect: x.Dialect, Started: x.Started, Deadline: x.Deadline,
		Input: flow.StoredValue(flow.Ref{Kind: flow.RefClaim})})
	err := s.DecodeBody(x.Body)
	return s.AppendBody(nil), err
}

// row reads one row.
func (w *harness) row(k driver.Key) driver.Row {
	w.t.Helper()
	row, err := w.mem.Get(context.Background(), k)
	if err != nil {
		w.t.Fatalf("%v: %v", k, err)
	}
	return row
}

// TestStoredByNewer: rows of a newer format are rejected, and no operation changes them.
func TestStoredByNewer(t *testing.T) {
	s := readStored(t, storedNow)
	var newer []driver.Row
	for _, row := range s.rows {
		switch {
		case row.Sort == "a" || store.IsInboxEntry(row.Key):
			row.Data = append([]byte{row.Data[0] + 4}, row.Data[1:]...)
		}
		newer = append(newer, row)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.UnixMilli(s.at)))
		w := newHarness(t)
		w.put(newer)
		h := w.open(nil)
		ctx := context.Background()
		for _, k := range s.tokens {
			if _, err := h.Report(ctx, account, k.token,
				engine.Report{Output: []byte(`{}`)}); err == nil {
				t.Errorf("the report for %s is accepted", k.about)
			}
		}
		time.Sleep(2 * time.Hour)
		for _, row := range newer {
			id, name, is := store.ParsePartition(row.Partition)
			if is && row.Sort == "a" {
				if _, err := w.store.Load(ctx, row.Partition); !errors.Is(err, store.ErrFormat) {
					t.Errorf("%s is read: %v", row.Partition, err)
				}
				if _, err := h.Stop(ctx, row.Partition, &flow.Error{Name: "E"}); err == nil {
					t.Errorf("%s is stopped", row.Partition)
				}
				f := &store.Flow{Account: account, Name: "f", ID: id, Dialect: flow.StateMachine}
				if _, _, err := h.StartExecution(ctx, starting(f, name)); err == nil {
					t.Errorf("%s is started", row.Partition)
				}
			}
			if _, tomb := store.ParseTombstone(row.Key); tomb {
				continue
			}
			if got := w.row(row.Key); is && !reflect.DeepEqual(got, row) ||
				!bytes.Equal(got.Data, row.Data) {
				t.Errorf("%s %s was changed", row.Partition, row.Sort)
			}
		}
		h.close()
	})
}
