package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// DefinitionHash returns the hash that names a definition's text.
func DefinitionHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// definitionRow returns the row of a definition that a flow is about to reference, or has
// referenced until now. Its fence has a new random number at each write, so that a sweeper that is
// about to expire the row of an earlier write gets a conflict. When its wake time comes, the
// sweeper calls CollectDefinition, whether or not the request that wrote the row succeeded. The
// fence also names the flow to check then.
func (s *Store) definitionRow(f *Flow, hash string, text []byte, wake int64) driver.Row {
	return s.collectableRow(f, definitionKey(f.ID, hash), text, wake)
}

// collectableRow returns a row in the partition of a flow's definitions, with a fence as
// definitionRow describes it.
func (s *Store) collectableRow(f *Flow, k driver.Key, data []byte, wake int64) driver.Row {
	number := strconv.FormatUint(s.random(f.ID+k.Sort), 16)
	return driver.Row{Key: k, Version: 1,
		Fence: number + " " + flowKey(f.Account, f.Name).Partition, Data: data, Wake: wake}
}

// CollectDefinition checks a definition whose wake time has come. If its flow references it, the
// definition stays and loses its wake time, until it is written again. Otherwise it gets an expiry,
// expires in ms since 1970, and a later call removes it after that. A missing row is no error. When
// it is called, no request that would make the flow reference the definition may still be under
// way.
func (s *Store) CollectDefinition(ctx context.Context, k driver.Key, expires int64) error {
	row, err := s.driver.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if row.Expires > 0 {
		return s.deleteExpired(ctx, row)
	}
	if row.Wake == 0 || row.Wake > s.nowMillis() {
		return nil // written again since
	}
	if err := checkDefinition(row); err != nil {
		return err // a damaged definition must not be written again
	}
	named, err := s.isReferenced(ctx, row)
	if err != nil {
		return err
	}
	same := driver.Condition{Version: row.Version, Fence: row.Fence}
	row.Version++
	row.Wake = 0
	if !named {
		row.Wake, row.Expires = expires, expires
	}
	err = s.driver.Commit(ctx, nil, row, same)
	if errors.Is(err, ErrConflict) {
		return nil // written again: the new row has a wake time of its own
	}
	return err
}

// isReferenced reports whether the flow of a definition, or one of the flow's versions, references
// it.
func (s *Store) isReferenced(ctx context.Context, definition driver.Row) (bool, error) {
	f, err := s.flowOf(ctx, definition)
	if f == nil || err != nil {
		return false, err
	}
	if definition.Sort == f.Hash {
		return true, nil
	}
	c, err := f.Catalog()
	return err == nil && c.hasDefinition(definition.Sort), err
}

// flowOf reads the flow that the fence of a row in a partition of definitions names. It returns nil
// if that flow is gone, or if another flow has its name.
func (s *Store) flowOf(ctx context.Context, of driver.Row) (*Flow, error) {
	_, partition, known := strings.Cut(of.Fence, " ")
	if !known {
		return nil, damagedRow("definition", of.Key, flow.ErrCorrupt)
	}
	row, err := s.driver.Get(ctx, rowKey(partition, sortState))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := decodeFlow(row)
	if err != nil || definitionPartition(f.ID) != of.Partition {
		return nil, err
	}
	return f, nil
}

// cachedDefinitionsMax bounds the number of cached definition texts.
const cachedDefinitionsMax = 256

// Definition reads the text of a definition, which never changes. It returns ErrNotFound if there
// is none.
func (s *Store) Definition(ctx context.Context, flowID, hash string) (string, error) {
	key := flowID + hash
	s.mu.Lock()
	text, ok := s.definitions[key]
	s.mu.Unlock()
	if ok {
		return text, nil
	}
	row, err := s.driver.Get(ctx, definitionKey(flowID, hash))
	if err != nil {
		return "", err
	}
	if err := checkDefinition(row); err != nil {
		return "", err
	}
	text = string(row.Data)
	s.mu.Lock()
	if len(s.definitions) >= cachedDefinitionsMax {
		clear(s.definitions)
	}
	s.definitions[key] = text
	s.mu.Unlock()
	return text, nil
}
