package dynamostore_test

import (
	"net/http"
	"testing"

	"millrace/shared/store/driver"
	"millrace/shared/store/dynamostore"
	"millrace/tests/clouds/emulators"
)

// FuzzDueCursor: a cursor is rejected, or the request starts after it.
func FuzzDueCursor(f *testing.F) {
	empty := emulators.Faulty(func(emulators.Call) (*http.Response, error) {
		return emulators.Answer(http.StatusOK, `{"Items":[]}`), nil
	})
	full := emulators.Faulty(func(emulators.Call) (*http.Response, error) {
		key := `{"p":{"S":"x#1#a"},"s":{"S":"a"},"w":{"N":"4"},"k":{"N":"5"}}`
		return emulators.Answer(http.StatusOK,
			`{"Items":[`+key+`],"LastEvaluatedKey":`+key+`}`), nil
	})
	newStore := func(transport http.RoundTripper) *dynamostore.Store {
		return dynamostore.New(dynamostore.Options{
			Client: newClient("http://127.0.0.1:1", transport), Table: "t"})
	}
	s := newStore(full)
	for shard := range s.Shards() {
		due, cursor, err := s.Due(f.Context(), shard, 10, "", 1)
		if err != nil || cursor == "" || len(due) != 1 ||
			due[0] != (driver.DueRow{Key: keyA, Wake: 5}) {
			f.Fatalf("%+v, cursor %q, %v", due, cursor, err)
		}
		f.Add(shard, cursor)
	}
	f.Add(0, "")
	f.Add(0, "AAAAAAAAAAX_")
	f.Add(0, "AAAAAAAAAAUBcWE")
	s = newStore(empty)
	f.Fuzz(func(t *testing.T, shard int, cursor string) {
		if _, next, err := s.Due(t.Context(), shard, 10, cursor, 5); err == nil &&
			(next != "" || shard < 0 || shard >= s.Shards()) {
			t.Fatalf("Due of shard %d from %q goes on at %q", shard, cursor, next)
		}
	})
}

// TestCursorOfAnotherShard: a shard rejects the cursor of another shard.
func TestCursorOfAnotherShard(t *testing.T) {
	endpoint := emulators.StartDynalite(t)
	s := open(t, endpoint, nil)
	waking := []driver.Row{{Key: keyA, Wake: 5},
		{Key: driver.Key{Partition: keyA.Partition, Sort: "b"}, Wake: 6}}
	if err := s.Put(t.Context(), waking); err != nil {
		t.Fatal(err)
	}
	found := 0
	for shard := range s.Shards() {
		_, cursor, err := s.Due(t.Context(), shard, 10, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		if cursor == "" {
			continue
		}
		found++
		if _, _, err := s.Due(t.Context(), (shard+1)%s.Shards(), 10, cursor, 1); err == nil {
			t.Error("another shard takes the cursor")
		}
		if due, next, err := s.Due(t.Context(), shard, 4, cursor, 1); err != nil || len(due) != 0 ||
			next != "" {
			t.Errorf("before the cursor: %v, %q, %v", due, next, err)
		}
	}
	if found != 1 {
		t.Errorf("%d shards", found)
	}
}
