package app

import (
	"context"
	"testing"
	"time"

	"millrace/shared/store"
	"millrace/shared/store/memstore"
)

// A nonce that this very call has written counts as first, also when the write was lost to itself:
// a driver tries again when an answer is lost, and then finds what it has written.
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
