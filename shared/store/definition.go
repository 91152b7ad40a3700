package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
)

// DefinitionHash names a definition's text.
func DefinitionHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// definitionRow is the row of a definition that a flow is about to name. Each time it is written it is a new one, so that
// whoever gives the one before its end finds out.
func (s *Store) definitionRow(flowID, text string) Row {
	hash := DefinitionHash(text)
	return Row{Key: definitionKey(flowID, hash), Version: 1, Fence: strconv.FormatUint(s.random(flowID+hash), 16), Data: []byte(text)}
}

// supersede gives a definition that no flow names any more its end. The row was read before the flow was changed: one that
// has been written since is named again, and left alone.
func (s *Store) supersede(ctx context.Context, row Row, expires int64) error {
	same := Condition{Version: row.Version, Fence: row.Fence}
	row.Version++
	row.Wake, row.Expires = expires, expires
	err := s.driver.Commit(ctx, nil, row, same)
	if errors.Is(err, ErrConflict) {
		return nil
	}
	return err
}

// definitionsMax bounds the cache of definition texts.
const definitionsMax = 256

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
	text = string(row.Data)
	s.mu.Lock()
	if len(s.definitions) >= definitionsMax {
		clear(s.definitions)
	}
	s.definitions[key] = text
	s.mu.Unlock()
	return text, nil
}
