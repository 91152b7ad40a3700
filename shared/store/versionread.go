package store

import (
	"context"

	"millrace/shared/store/driver"
)

// At returns the flow as it was when a version was published. Its name, id, mode and list are those
// of every version.
func (f *Flow) At(v *Version) *Flow {
	at := *f
	at.Hash, at.Type, at.Description = v.Hash, v.Type, v.Description
	at.RoleArn, at.ExternalStorage, at.Environment = v.RoleArn, v.ExternalStorage, v.Environment
	at.Author, at.Dialect, at.TimeoutSeconds = v.Author, v.Dialect, v.TimeoutSeconds
	at.Modified = v.Created
	return &at
}

// versionsMax bounds the number of cached versions.
const versionsMax = 1024

// Version reads a version that the flow's catalog names. It returns ErrNotFound if the version was
// deleted after the flow was read.
func (s *Store) Version(ctx context.Context, f *Flow, e *VersionEntry) (*Version, error) {
	key := versionKey(f.ID, e.Number, e.Token)
	s.mu.Lock()
	v := s.versions[key]
	s.mu.Unlock()
	if v != nil {
		return v, nil
	}
	row, err := s.driver.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	if v, err = decodeVersion(row, e); err != nil {
		return nil, err
	}
	s.mu.Lock()
	if len(s.versions) >= versionsMax {
		clear(s.versions)
	}
	s.versions[key] = v
	s.mu.Unlock()
	return v, nil
}

// Alias reads an alias that the flow's catalog names. It returns ErrNotFound if the alias was
// changed or deleted after the flow was read.
func (s *Store) Alias(ctx context.Context, f *Flow, e *AliasEntry) (*Alias, error) {
	row, err := s.driver.Get(ctx, aliasKey(f.ID, e.Name, e.Token))
	if err != nil {
		return nil, err
	}
	return decodeAlias(row, e)
}

// Versions reads the versions of a part of the flow's catalog, in the same order. It leaves out
// those that were deleted after the flow was read.
func (s *Store) Versions(
	ctx context.Context, f *Flow, entries []VersionEntry,
) ([]*Version, error) {
	keys := make([]driver.Key, len(entries))
	for i := range entries {
		keys[i] = versionKey(f.ID, entries[i].Number, entries[i].Token)
	}
	return details(ctx, s, keys, func(i int, row driver.Row) (*Version, error) {
		return decodeVersion(row, &entries[i])
	})
}

// Aliases reads the aliases of a part of the flow's catalog, in the same order. It leaves out those
// that were changed or deleted after the flow was read.
func (s *Store) Aliases(ctx context.Context, f *Flow, entries []AliasEntry) ([]*Alias, error) {
	keys := make([]driver.Key, len(entries))
	for i := range entries {
		keys[i] = aliasKey(f.ID, entries[i].Name, entries[i].Token)
	}
	return details(ctx, s, keys, func(i int, row driver.Row) (*Alias, error) {
		return decodeAlias(row, &entries[i])
	})
}

// details reads the rows with these keys, which are in order and of one partition. Other rows
// between them, of requests that lost, are skipped.
func details[T any](
	ctx context.Context, s *Store, keys []driver.Key, decode func(int, driver.Row) (T, error),
) ([]T, error) {
	list := make([]T, 0, len(keys))
	if len(keys) == 0 {
		return list, nil
	}
	part := driver.Range{Partition: keys[0].Partition, From: keys[0].Sort,
		To: keys[len(keys)-1].Sort + "\x00", Limit: s.sizes.Rows}
	for i := 0; ; {
		rows, more, err := s.driver.Range(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			part.From = row.Sort + "\x00"
			for i < len(keys) && keys[i].Sort < row.Sort {
				i++
			}
			if i == len(keys) || keys[i].Sort != row.Sort {
				continue
			}
			one, err := decode(i, row)
			if err != nil {
				return nil, err
			}
			list = append(list, one)
		}
		if !more || len(rows) == 0 {
			return list, nil
		}
	}
}
