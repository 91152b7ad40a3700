package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"

	"millrace/shared/engine"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// TestFullStoreIsNotLogged: requests that a full store rejects must not write a line each to the
// log, which may be on the same disk.
func TestFullStoreIsNotLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newHarness(t)
		f := w.flow("f", onePass)
		var log bytes.Buffer
		h := w.open(func(o *engine.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		w.hooks(func(op string, key driver.Key) error {
			if op == memstore.OpCommit {
				return store.ErrDiskFull
			}
			return nil
		}, nil)
		for i := range 10 {
			_, _, err := h.StartExecution(context.Background(), engine.Start{Flow: f,
				Name: fmt.Sprint("n", i), Input: []byte("{}"), Canonical: []byte("{}")})
			if err == nil {
				t.Errorf("%v", err)
			}
		}
		w.hooks(nil, nil)
		h.close()
		if log.Len() > 0 {
			t.Errorf("%s", log.String())
		}
	})
}
