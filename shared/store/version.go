package store

import (
	"context"
	"errors"
	"slices"

	"millrace/shared/store/driver"
)

// The writes of this file are all a compare-and-set of the flow's row. What a flow stores of
// versions and aliases beside that row is put before, with a wake time: a row of a request that
// lost, or died, is removed then (CollectFlowDetail). So is a row that the flow names no longer.

// ErrNoVersion is returned if the flow that was read has no such version or alias.
var ErrNoVersion = errors.New("store: the flow has no such version or alias")

// PublishVersion makes the flow's current state its next version. It sets v.Number, and returns
// ErrConflict if the flow has changed since it was read. Two calls with the same token, which must
// be random, are the same request: see Catalog.Published. At wake, ms since 1970, the sweeper
// checks whether the version was published.
func (s *Store) PublishVersion(
	ctx context.Context, f *Flow, v *Version, token uint64, wake int64,
) error {
	c, err := f.Catalog()
	if err != nil {
		return err
	}
	v.token, v.Number = token, f.LastVersion+1
	v.Hash, v.Type, v.RoleArn, v.ExternalStorage = f.Hash, f.Type, f.RoleArn, f.ExternalStorage
	v.Environment, v.Author = f.Environment, f.Author
	v.Dialect, v.TimeoutSeconds = f.Dialect, f.TimeoutSeconds
	f.LastVersion = v.Number
	c.Versions = append(c.Versions, VersionEntry{Number: v.Number, Token: token,
		hashStart: hashStart(v.Hash)})
	return s.writeCatalog(ctx, f, c,
		s.collectableRow(f, versionKey(f.ID, v.Number, token), v.encode(), wake))
}

// DeleteVersion removes a version that no alias uses. Executions of it keep its definition. It
// returns ErrConflict if the flow has changed since it was read. At wake, ms since 1970, the
// sweeper checks whether the version was removed.
func (s *Store) DeleteVersion(ctx context.Context, f *Flow, number, wake int64) error {
	c, err := f.Catalog()
	if err != nil {
		return err
	}
	e := c.Version(number)
	if e == nil {
		return ErrNoVersion
	}
	key := versionKey(f.ID, number, e.Token)
	puts, err := s.collectAgain(ctx, f, nil, key, wake, nil)
	if err != nil {
		return err
	}
	if len(puts) > 0 {
		v, err := decodeVersion(puts[0], e)
		if err != nil {
			return err
		}
		puts, err = s.collectAgain(ctx, f, puts, definitionKey(f.ID, v.Hash), wake, checkDefinition)
		if err != nil {
			return err
		}
	}
	c.Versions = slices.DeleteFunc(c.Versions, func(e VersionEntry) bool {
		return e.Number == number
	})
	return s.writeCatalog(ctx, f, c, puts...)
}

// PutAlias creates an alias, or replaces the one with its name. It returns ErrConflict if the flow
// has changed since it was read. Two calls with the same token, which must be random, are the same
// request. At wake, ms since 1970, the sweeper checks whether the flow has the new alias and the
// replaced one.
func (s *Store) PutAlias(ctx context.Context, f *Flow, a *Alias, token uint64, wake int64) error {
	c, err := f.Catalog()
	if err != nil {
		return err
	}
	entry := AliasEntry{Name: a.Name, Token: token, Routes: a.Routes}
	a.token = token
	puts := []driver.Row{
		s.collectableRow(f, aliasKey(f.ID, a.Name, token), a.encode(), wake),
	}
	at, found := c.findAlias(a.Name)
	if found {
		before := aliasKey(f.ID, a.Name, c.Aliases[at].Token)
		if puts, err = s.collectAgain(ctx, f, puts, before, wake, nil); err != nil {
			return err
		}
		entry.unknown = c.Aliases[at].unknown
		c.Aliases[at] = entry
	} else {
		c.Aliases = slices.Insert(c.Aliases, at, entry)
	}
	return s.writeCatalog(ctx, f, c, puts...)
}

// DeleteAlias removes an alias. It returns ErrConflict if the flow has changed since it was read.
// At wake, ms since 1970, the sweeper checks whether the alias was removed.
func (s *Store) DeleteAlias(ctx context.Context, f *Flow, name string, wake int64) error {
	c, err := f.Catalog()
	if err != nil {
		return err
	}
	at, found := c.findAlias(name)
	if !found {
		return ErrNoVersion
	}
	puts, err := s.collectAgain(ctx, f, nil, aliasKey(f.ID, name, c.Aliases[at].Token), wake, nil)
	if err != nil {
		return err
	}
	c.Aliases = slices.Delete(c.Aliases, at, at+1)
	return s.writeCatalog(ctx, f, c, puts...)
}

// collectAgain adds a row to puts, as it is stored and with a new wake time, because the flow is
// about to drop its reference to it. A missing row is not added. check rejects a damaged row, which
// must not be written again; nil: nothing is checked.
func (s *Store) collectAgain(
	ctx context.Context, f *Flow, puts []driver.Row, k driver.Key, wake int64,
	check func(driver.Row) error,
) ([]driver.Row, error) {
	row, err := s.driver.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return puts, nil
	}
	if err == nil && check != nil {
		err = check(row)
	}
	if err != nil {
		return nil, err
	}
	return append(puts, s.collectableRow(f, k, row.Data, wake)), nil
}

// writeCatalog writes puts and the flow with a changed catalog.
func (s *Store) writeCatalog(
	ctx context.Context, f *Flow, c *Catalog, puts ...driver.Row,
) error {
	if err := s.diskUse.admit(f.Account); err != nil {
		return err
	}
	cond := driver.Condition{Version: f.Version, Fence: f.ID}
	f.Version++
	f.setCatalog(c)
	err := s.commitFlow(ctx, f, cond, puts)
	if err == nil {
		for i := range puts {
			s.diskUse.add(f.Account, sizeOfRow(&puts[i]))
		}
	}
	return err
}

// CollectFlowDetail checks the row of a version or alias whose wake time has come. If its flow
// names it, it stays and loses its wake time; otherwise it is removed. A missing row is no error.
// When it is called, no request that would make the flow name the row may still be under way.
func (s *Store) CollectFlowDetail(ctx context.Context, k driver.Key) error {
	row, err := s.driver.Get(ctx, k)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if row.Wake == 0 || row.Wake > s.nowMillis() {
		return nil // written again since
	}
	named, err := s.namesDetail(ctx, row)
	if err != nil {
		return err
	}
	same := driver.Condition{Version: row.Version, Fence: row.Fence}
	if named {
		row.Version++
		row.Wake = 0
		err = s.driver.Commit(ctx, nil, row, same)
	} else {
		err = s.driver.Delete(ctx, row.Key, &same)
	}
	if errors.Is(err, ErrConflict) {
		return nil // written again: the new row has a wake time of its own
	}
	return err
}

// namesDetail reports whether its flow names the row of a version or alias.
func (s *Store) namesDetail(ctx context.Context, row driver.Row) (bool, error) {
	f, err := s.flowOf(ctx, row)
	if f == nil || err != nil {
		return false, err
	}
	c, err := f.Catalog()
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(c.Versions, func(e VersionEntry) bool {
		return versionSort(e.Number, e.Token) == row.Sort
	}) || slices.ContainsFunc(c.Aliases, func(e AliasEntry) bool {
		return aliasSort(e.Name, e.Token) == row.Sort
	}), nil
}
