package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// DefinitionHash names a definition's text.
func DefinitionHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// definitionRow is the row of a definition that a flow is about to name, or has named until now. Each time it is written it
// is a new one, so that whoever would give the one before its end finds out. Its wake time brings the sweeper to
// ReviewDefinition, whatever has become of the request that writes it; its fence says which flow to ask then.
func (s *Store) definitionRow(f *Flow, hash string, text []byte, wake int64) Row {
	number := strconv.FormatUint(s.random(f.ID+hash), 16)
	return Row{Key: definitionKey(f.ID, hash), Version: 1, Fence: number + " " + flowKey(f.Account, f.Name).Partition, Data: text, Wake: wake}
}

// CollectDefinition sees to a definition whose wake time has come. One that its flow names stays, and is not looked at again
// before it is written anew; any other gets its end, expires in ms since 1970, and is removed when that has come. A missing
// row is fine. Of a request that was to name the definition nothing may be on its way any more.
func (s *Store) CollectDefinition(ctx context.Context, k Key, expires int64) error {
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
		return err // it is not written anew as it is read
	}
	named, err := s.isReferenced(ctx, row)
	if err != nil {
		return err
	}
	same := Condition{Version: row.Version, Fence: row.Fence}
	row.Version++
	row.Wake = 0
	if !named {
		row.Wake, row.Expires = expires, expires
	}
	err = s.driver.Commit(ctx, nil, row, same)
	if errors.Is(err, ErrConflict) {
		return nil // written again: it is another one's to look at
	}
	return err
}

// isReferenced tells whether the flow of a definition names it.
func (s *Store) isReferenced(ctx context.Context, definition Row) (bool, error) {
	_, partition, known := strings.Cut(definition.Fence, " ")
	if !known { // written by an older program, which gave it its end itself
		return true, nil
	}
	row, err := s.driver.Get(ctx, Key{partition, sortState})
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := decodeFlow(row)
	return err == nil && definitionKey(f.ID, f.Hash) == definition.Key, err
}

// cachedDefinitionsMax bounds the cache of definition texts.
const cachedDefinitionsMax = 256

// Definition reads the text of a definition, which never changes. ErrNotFound when there is none.
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
