package lambda_test

import (
	"errors"
	"testing"

	"millrace/shared/store"
	"millrace/shared/store/dynamostore"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

// TestMeter checks that a meter outside a process counts the same as the store's own meter inside.
func TestMeter(t *testing.T) {
	t.Parallel()
	var outside lambda.Meter
	inside := &dynamostore.Meter{}
	endpoint := emulators.StartDynalite(t)
	client := dynamostore.NewClient(emulators.Config(endpoint, emulators.Faulty(outside.DynamoDB)))
	table := emulators.Unique("meter")
	if err := dynamostore.CreateTable(t.Context(),
		dynamostore.NewClient(emulators.Config(endpoint, nil)), table); err != nil {
		t.Fatal(err)
	}
	s := dynamostore.New(dynamostore.Options{Client: client, Table: table, Meter: inside})
	key := store.Key{Partition: "x#f#e", Sort: "a"}
	write := func(version, was, wake int64, status string) func() error {
		return func() error {
			r := store.Row{Key: key, Version: version, Data: make([]byte, 700), Wake: wake,
				List: &store.ListEntry{Group: "g", Sort: "s", Fields: []byte(status)}}
			puts := []store.Row{{Key: store.Key{Partition: key.Partition, Sort: "h#1"},
				Data: []byte("events")}, {Key: store.Key{Partition: key.Partition, Sort: "v#1"},
				Data: make([]byte, 3000)}}
			if was == 0 {
				return s.Commit(t.Context(), nil, r, store.Condition{Absent: true})
			}
			return s.Commit(t.Context(), puts[:was], r, store.Condition{Version: was})
		}
	}
	for _, c := range []struct {
		name string
		run  func() error
		fail bool
	}{
		{"claim", write(1, 0, 5, "running"), false},
		{"claimed already", write(1, 0, 5, "running"), true},
		{"commit", write(2, 1, 9, "running"), false},
		{"end", write(3, 2, 0, "ended"), false},
		{"get", func() error { _, err := s.Get(t.Context(), key); return err }, false},
		{"range", func() error {
			_, _, err := s.Range(t.Context(), store.Range{Partition: key.Partition,
				From: "a", To: "z"})
			return err
		}, false},
		{"list",
			func() error {
				_, _,
					err := s.List(t.Context(), store.ListRange{Group: "g"})
				return err
			}, false},
		{"delete", func() error { return s.Delete(t.Context(), key, nil) }, false},
	} {
		outside.Reset()
		inside.Reset()
		if err := c.run(); (err != nil) != c.fail ||
			err != nil && !errors.Is(err, store.ErrConflict) {
			t.Fatalf("%s: %v", c.name, err)
		}
		got, want := outside.Used(), inside.Total()
		if got.Writes != want.Writes || got.Reads != want.Reads || got.Index != want.Index ||
			want.Writes+want.Reads == 0 {
			t.Errorf("%s: %+v outside, %+v inside", c.name, got, want)
		}
	}
}
