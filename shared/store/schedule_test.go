package store_test

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/driver"
)

func hourly() *store.Schedule {
	return &store.Schedule{
		Account: "1", Flow: "f", FlowID: "id", Name: "hourly", ID: "uuid", Description: "every hour",
		Payload: `{"a": 1}`, Expression: "0 0 * * * *", Enabled: true, Created: 1, Modified: 2,
		Author: "key", Next: 5_000_000, Planned: 4_000_000, CheckFlow: 6_000_000,
	}
}

// TestSchedule: what was written is read; a write or a deletion of an old version changes nothing.
func TestSchedule(t *testing.T) {
	ctx := context.Background()
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	c := hourly()
	if err := s.CreateSchedule(ctx, c); err != nil {
		t.Fatal(err)
	}
	if got, err := s.GetSchedule(ctx, c.Key()); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, want %+v; %v", got, c, err)
	}
	if row, err := d.Get(ctx, c.Key()); err != nil || row.Wake != c.Planned || row.Fence != c.ID {
		t.Errorf("wake %d, fence %s, %v", row.Wake, row.Fence, err)
	}
	if err := s.CreateSchedule(ctx, hourly()); !errors.Is(err, store.ErrConflict) {
		t.Errorf("created twice: %v", err)
	}
	old := *c
	c.Planned, c.Payload = 0, ""
	if err := s.UpdateSchedule(ctx, c); err != nil || c.Version != 2 {
		t.Errorf("version %d, %v", c.Version, err)
	}
	if err := s.UpdateSchedule(ctx, &old); !errors.Is(err, store.ErrConflict) || old.Version != 1 {
		t.Errorf("an old version: %v; version %d", err, old.Version)
	}
	if err := s.DeleteSchedule(ctx, &old); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an old version: %v", err)
	}
	if got, err := s.GetSchedule(ctx, c.Key()); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, want %+v; %v", got, c, err)
	}
	if err := s.DeleteSchedule(ctx, c); err != nil {
		t.Error(err)
	}
	if _, err := s.GetSchedule(ctx, c.Key()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if err := s.DeleteSchedule(ctx, c); !errors.Is(err, store.ErrConflict) {
		t.Errorf("deleted twice: %v", err)
	}
}

func TestScheduleWake(t *testing.T) {
	for want, c := range map[int64]store.Schedule{
		0: {}, 5: {Next: 5, CheckFlow: 6}, 4: {Next: 5, Planned: 4}, 3: {Next: 5, CheckFlow: 3},
		2: {Planned: 2}, 1: {CheckFlow: 1},
	} {
		if got := c.Wake(); got != want {
			t.Errorf("%+v wakes at %d, want %d", c, got, want)
		}
	}
}

// TestListSchedules: pages have the schedules alone, by name; they go with the flow.
func TestListSchedules(t *testing.T) {
	ctx := context.Background()
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	d.PageRows = 2
	if err := s.CreateFlow(ctx, &store.Flow{Account: "1", Name: "f", ID: "id"}, "x", 0); err != nil {
		t.Fatal(err)
	}
	names := []string{"A", "Z", "_", "a", "a-b", "aa"}
	for i := range names {
		c := hourly()
		c.Name = names[len(names)-1-i]
		if err := s.CreateSchedule(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	for limit := 1; limit <= len(names)+1; limit++ {
		var got []string
		for after, more := "", true; more; {
			list, left, err := s.ListSchedules(ctx, "id", after, limit)
			if err != nil || len(list) > limit || left && len(list) < limit {
				t.Fatalf("limit %d: %d, more %v, %v", limit, len(list), left, err)
			}
			for _, c := range list {
				got, after = append(got, c.Name), c.Name
			}
			more = left
		}
		if !reflect.DeepEqual(got, names) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	if err := s.DeleteDefinitions(ctx, "id"); err != nil {
		t.Fatal(err)
	}
	if list, _, err := s.ListSchedules(ctx, "id", "", 10); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}

// TestScheduleKeys: a hint names one schedule, and nothing else reads as one.
func TestScheduleKeys(t *testing.T) {
	key := store.ScheduleKey("id", "a")
	if got, ok := store.ParseScheduleHint(store.ScheduleHint(key)); !ok || got != key {
		t.Errorf("%v %v", got, ok)
	}
	if flowID, name, ok := store.ParseScheduleKey(key); !ok || flowID != "id" || name != "a" {
		t.Errorf("%s %s %v", flowID, name, ok)
	}
	for _, hint := range []string{"", "x#id#a", "d#id", "d#id#schedule#", "d##schedule#a",
		"x#id#schedule#a", "schedule#a"} {
		if key, ok := store.ParseScheduleHint(hint); ok {
			t.Errorf("%q names %v", hint, key)
		}
	}
	for _, k := range []driver.Key{store.TombstoneKey("id"), {Partition: "x#id#a", Sort: "schedule#a"},
		{Partition: "d#id", Sort: "schedule#"}} {
		if _, _, ok := store.ParseScheduleKey(k); ok {
			t.Errorf("%v is the key of a schedule", k)
		}
	}
	if _, _, ok := store.ParsePartition(store.ScheduleHint(key)); ok {
		t.Error("the hint of a schedule names an execution")
	}
}

// TestScheduleRowGolden: the encoding of a schedule has not changed. Rows that older programs wrote
// must stay readable, so a change needs another number of the format (docs/rows.md).
func TestScheduleRowGolden(t *testing.T) {
	const golden = "01550a01311201661a0269642206686f75726c792a0475756964320a657665727920686f75723a08" +
		"7b2261223a20317d420b302030202a202a202a202a48015001580262036b657968c096b102708092" +
		"f40178809bee02"
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	c := hourly()
	if err := s.CreateSchedule(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	row, err := d.Get(t.Context(), c.Key())
	if err != nil || hex.EncodeToString(row.Data) != golden {
		t.Errorf("%x, %v", row.Data, err)
	}
}

// TestNewerSchedule: fields of a newer program survive, and a newer format is left alone.
func TestNewerSchedule(t *testing.T) {
	ctx := context.Background()
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	c := hourly()
	if err := s.CreateSchedule(ctx, c); err != nil {
		t.Fatal(err)
	}
	change := func(f func(row *driver.Row)) {
		t.Helper()
		row, err := d.Get(ctx, c.Key())
		if err != nil {
			t.Fatal(err)
		}
		f(&row)
		if err := d.Put(ctx, []driver.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	change(func(row *driver.Row) { row.Data = addFields(t, row.Data, "new") })
	c, err := s.GetSchedule(ctx, c.Key())
	if err != nil {
		t.Fatal(err)
	}
	c.Next++
	if err := s.UpdateSchedule(ctx, c); err != nil {
		t.Fatal(err)
	}
	if row, err := d.Get(ctx, c.Key()); err != nil || !newFields(t, row.Data)["new"] {
		t.Errorf("the new field is lost; %v", err)
	}
	change(func(row *driver.Row) { row.Data[0]++ })
	if _, err := s.GetSchedule(ctx, c.Key()); !errors.Is(err, store.ErrFormat) {
		t.Errorf("a newer format: %v", err)
	}
}

// FuzzScheduleRow: no bytes crash the decoder, and what it accepts is written alike.
func FuzzScheduleRow(f *testing.F) {
	ctx := context.Background()
	c := hourly()
	s, d := open(&clock{time.Unix(1_000_000, 0)})
	if err := s.CreateSchedule(ctx, c); err != nil {
		f.Fatal(err)
	}
	row, err := d.Get(ctx, c.Key())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(row.Data)
	f.Add(row.Data[:len(row.Data)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		s, d := open(&clock{time.Unix(1_000_000, 0)})
		damaged := row
		damaged.Data = data
		if err := d.Put(ctx, []driver.Row{damaged}); err != nil {
			t.Fatal(err)
		}
		c, err := s.GetSchedule(ctx, row.Key)
		if err != nil {
			if !store.IsDamaged(err) {
				t.Fatal(err)
			}
			return
		}
		if err := s.UpdateSchedule(ctx, c); err != nil {
			t.Fatal(err)
		}
		again, err := s.GetSchedule(ctx, row.Key)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(c) {
			t.Fatalf("%+v, then %+v, %v", c, again, err)
		}
	})
}
