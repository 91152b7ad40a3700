package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"millrace/shared/app"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestNonceThatWasLostToItselfIsFirst: a nonce counts as first for the call that wrote it, even if
// the result of the write was lost. A driver retries after a lost result and then finds its own
// row.
func TestNonceThatWasLostToItselfIsFirst(t *testing.T) {
	rows := memstore.New()
	n := app.NonceStore{Driver: rows, Now: time.Now}
	rows.After = func(op string, key driver.Key) error {
		if op == memstore.OpCommit {
			return store.ErrConflict
		}
		return nil
	}
	until := time.Now().Add(time.Hour)
	if first, err := n.Use(context.Background(), "a", until); err != nil || !first {
		t.Error("its own write counts as that of another request:", first, err)
	}
	rows.After = nil
	if first, err := n.Use(context.Background(), "a", until); err != nil || first {
		t.Error("it is taken a second time:", first, err)
	}
}

func TestNonceRows(t *testing.T) {
	rows := memstore.New()
	n := app.NonceStore{Driver: rows, Now: time.Now}
	until := time.Now().Add(time.Hour)
	for i, want := range []bool{true, false, false} {
		if first, err := n.Use(t.Context(), "a", until); err != nil || first != want {
			t.Errorf("use %d: %v %v", i, first, err)
		}
	}
	if first, err := n.Use(t.Context(), "b", time.Now().Add(-time.Second)); err != nil || !first {
		t.Errorf("another: %v %v", first, err)
	}
	if first, err := n.Use(t.Context(), "b", until); err != nil || !first {
		t.Errorf("one that has expired: %v %v", first, err)
	}
	rows.Before = func(string, driver.Key) error { return errors.New("unreachable") }
	if first, err := n.Use(t.Context(), "c", until); err == nil || first {
		t.Errorf("without a store: %v %v", first, err)
	}
}
