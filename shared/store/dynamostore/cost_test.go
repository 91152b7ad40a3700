package dynamostore_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/emulators"
)

// TestCost: a commit costs its row, and an index only if its entry changes.
func TestCost(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	m := &emulators.Meter{Table: dynamostore.Schema("")}
	s := dynamostore.New(dynamostore.Options{
		Client: newClient(endpoint, emulators.Faulty(m.DynamoDB)), Table: newTable(t, endpoint)})
	full := func(version, wake int64, data, fields string) driver.Row {
		r := row(version, data)
		r.Wake, r.List = wake, &driver.ListEntry{Group: "g", Sort: "s", Fields: []byte(fields)}
		return r
	}
	commit := func(row driver.Row, cond driver.Condition) error {
		return s.Commit(t.Context(), nil, row, cond)
	}
	small, large := strings.Repeat("d", 700), noise(2000)
	for _, c := range []struct {
		name                 string
		run                  func() error
		writes, reads, index float64
	}{
		{"claim", func() error { return commit(full(1, 5, small, "f"), absent) }, 3, 0, 2},
		{"commit", func() error { return commit(full(2, 5, small, "f"), at(1)) }, 1, 0, 0},
		{"commit of 2 KB with a put", func() error {
			return s.Commit(t.Context(), []driver.Row{
				{Key: driver.Key{Partition: "p", Sort: "h"}, Data: []byte(small)}},
				full(3, 5, large, "f"), at(2))
		}, 3, 0, 0},
		{"refused", func() error {
			return wantConflict(commit(full(3, 5, small, "f"), at(1)))
		}, 1, 1, 0},
		{"wake moved", func() error { return commit(full(4, 6, small, "f"), at(3)) }, 4, 0, 2},
		{"end", func() error { return commit(full(5, 0, small, "g"), at(4)) }, 3, 0, 2},
		{"get", func() error { _, err := s.Get(t.Context(), keyA); return err }, 0, 1, 0},
		{"list", func() error {
			_, _, err := s.List(t.Context(), driver.ListRange{Group: "g"})
			return err
		}, 0, 0.5, 0},
		{"deleted", func() error { return s.Delete(t.Context(), keyA, nil) }, 2, 0, 1},
	} {
		m.Reset()
		if err := c.run(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if u := m.Used(); u.Writes != c.writes || u.Reads != c.reads || u.Index != c.index {
			t.Errorf("%s: %+v, want %v write and %v read units", c.name, u, c.writes, c.reads)
		}
	}
}

func wantConflict(err error) error {
	if !errors.Is(err, driver.ErrConflict) {
		return errors.Join(errors.New("want ErrConflict"), err)
	}
	return nil
}

// noise is data that cannot be compressed.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return string(b)
}
