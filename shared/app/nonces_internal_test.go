package app

import (
	"context"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// TestNonceThatWasLostToItselfIsFirst: a nonce counts as first for the call that wrote it, even if
// the result of the write was lost. A driver retries after a lost result and then finds its own
// row.
func TestNonceThatWasLostToItselfIsFirst(t *testing.T) {
	driver := memstore.New()
	n := nonceStore{driver, time.Now}
	driver.After = func(op string, key store.Key) error {
		if op == memstore.OpCommit {
			return store.ErrConflict
		}
		return nil
	}
	until := time.Now().Add(time.Hour)
	if first, err := n.Use(context.Background(), "a", until); err != nil || !first {
		t.Error("its own write counts as another's:", first, err)
	}
	driver.After = nil
	if first, err := n.Use(context.Background(), "a", until); err != nil || first {
		t.Error("it is taken a second time:", first, err)
	}
}
