package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"millrace/shared/flow"
)

// NoQualifierError is returned if a flow has no version or alias of a name, or not any more.
type NoQualifierError struct {
	Qualifier string
	IsVersion bool // of those that have the form of a version
}

func (e *NoQualifierError) Error() string {
	if e.IsVersion {
		return "store: the flow has no version " + e.Qualifier
	}
	return "store: the flow has no alias " + e.Qualifier
}

// Qualified returns the flow that an execution with a qualifier runs: f as it was when the version
// was published that the qualifier names, or that its alias chooses for the execution. It returns f
// if there is no qualifier, and a *NoQualifierError if f has no such version or alias.
func (s *Store) Qualified(
	ctx context.Context, f *Flow, qualifier, execution string,
) (*Flow, error) {
	if qualifier == "" {
		return f, nil
	}
	c, err := f.Catalog()
	if err != nil {
		return nil, err
	}
	number, isVersion := flow.ParseVersion(qualifier)
	if !isVersion {
		e := c.Alias(qualifier)
		if e == nil {
			return nil, &NoQualifierError{Qualifier: qualifier}
		}
		number = e.choose(f.ID, execution)
	}
	at, err := s.FlowAt(ctx, f, c, number)
	if errors.Is(err, ErrNotFound) {
		// If an alias routes to the version, the alias was changed or deleted after the flow was
		// read, and then the version was deleted.
		return nil, &NoQualifierError{Qualifier: qualifier, IsVersion: isVersion}
	}
	return at, err
}

// FlowAt returns a flow as it was when a version of its catalog was published. It returns
// ErrNotFound if there is no such version, or not any more.
func (s *Store) FlowAt(
	ctx context.Context, f *Flow, c *Catalog, number int64,
) (*Flow, error) {
	e := c.Version(number)
	if e == nil {
		return nil, ErrNotFound
	}
	v, err := s.Version(ctx, f, e)
	if err != nil {
		return nil, err
	}
	return f.At(v), nil
}

// choose returns the version that an alias starts for an execution. The choice depends only on the
// names and the weights, so every repeat of a start makes the same one.
func (e *AliasEntry) choose(flowID, execution string) int64 {
	total := uint64(0)
	for _, r := range e.Routes {
		total += uint64(r.Weight)
	}
	if len(e.Routes) == 1 || total == 0 {
		return e.Routes[0].Version
	}
	sum := sha256.Sum256([]byte(flowID + "#" + e.Name + "#" + execution))
	at := binary.BigEndian.Uint64(sum[:]) % total
	for _, r := range e.Routes {
		if at < uint64(r.Weight) {
			return r.Version
		}
		at -= uint64(r.Weight)
	}
	panic("unreachable: at is below the sum of the weights")
}
