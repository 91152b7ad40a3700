package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
)

// DefinitionHash names a definition's text.
func DefinitionHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// supersede gives a definition that no flow names any more its end.
func (s *Store) supersede(ctx context.Context, flowID, hash string, expires int64) error {
	text, err := s.Definition(ctx, flowID, hash)
	if err != nil {
		return err
	}
	return s.driver.Put(ctx, []Row{{Key: definitionKey(flowID, hash), Data: []byte(text), Wake: expires, Expires: expires}})
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
