package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// NonceStore stores nonces as rows that expire, so that a request cannot be replayed after a
// restart or to another process.
type NonceStore struct {
	Driver driver.Driver
	Now    func() time.Time
}

// Use implements server.Nonces. It returns true if this call wrote the nonce, even if the result of
// the write was lost.
func (n NonceStore) Use(ctx context.Context, nonce string, until time.Time) (bool, error) {
	sum := sha256.Sum256([]byte(nonce))
	key := store.NonceKey(hex.EncodeToString(sum[:16]))
	fence := strconv.FormatUint(store.Random(), 16)
	row := driver.Row{
		Key:     key,
		Version: 1,
		Fence:   fence,
		Wake:    until.UnixMilli(),
		Expires: until.UnixMilli(),
	}
	err := n.Driver.Commit(ctx, nil, row, driver.Condition{Absent: true, Now: n.Now().UnixMilli()})
	if !errors.Is(err, store.ErrConflict) {
		if err != nil {
			err = cloudflow.FaultOf(err)
		}
		return err == nil, err
	}
	there, err := n.Driver.Get(ctx, key)
	if err != nil {
		return false, err
	}
	return there.Fence == fence, nil
}
