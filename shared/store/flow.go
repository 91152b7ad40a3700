package store

import (
	"cmp"
	"context"
	"errors"
	"time"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Flow is a flow row (docs/protocol.md#keys). The definition's text is in a row of its own, whose
// key is its hash.
type Flow struct {
	Account         string
	Name            string
	ID              string // UUID, new for each creation
	Type            string
	Hash            string // of the definition, hex
	Description     string
	RoleArn         string
	Mode            string // as given; "" means Standard
	ExternalStorage string
	ResourceGroup   string
	Environment     []flow.Variable
	Created         int64 // ms since 1970
	Modified        int64

	// Author is the public id of the key that last changed what the flow does; "" on an open
	// server. Executions without a role run with its rights.
	Author string

	// What a start needs of the definition, so that it need not read the definition; 0: not known.
	Dialect        flow.Dialect
	TimeoutSeconds int64

	// ListShards is the number of shards of the list of its executions. It never falls, because an
	// execution stays in its shard.
	ListShards int

	// HiddenPaths are paths into payloads that only the key that has started an execution may see.
	// They hold for all executions, whatever version they run.
	HiddenPaths []string

	// SearchKeys are the values of an input by which lists find executions. They are evaluated at
	// the start, whatever version it runs.
	SearchKeys []flow.SearchPath

	// LastVersion is the highest number that a version of the flow has ever had.
	LastVersion int64

	Version int64

	catalog []byte // encoded Catalog: a start without a qualifier does not decode it
	unknown []byte // fields of the row that only a newer program knows
}

// ErrFormat is returned if a newer program wrote the row. Such a row must not be changed.
var ErrFormat = errors.New(
	"store: a row has a format that this program does not know; run the newer program")

// GetFlow reads a flow, strongly consistent. It returns ErrNotFound if there is none.
func (s *Store) GetFlow(ctx context.Context, account, name string) (*Flow, error) {
	key := flowKey(account, name)
	cached, writes := s.flows.get(key)
	if cached != nil {
		return cached, nil
	}
	row, err := s.driver.Get(ctx, key)
	if err != nil {
		return nil, err
	}
	f, err := decodeFlow(row)
	if err != nil {
		return nil, err
	}
	s.flows.put(key, f, writes)
	return f, nil
}

// CreateFlow writes a new flow and its definition. wake is when the sweeper checks whether the flow
// references the definition, ms since 1970. It returns ErrConflict if the name is taken, and then
// leaves no row behind.
func (s *Store) CreateFlow(ctx context.Context, f *Flow, definition string, wake int64) error {
	f.Version, f.ListShards = 1, s.listShards
	if err := s.diskUse.admit(f.Account); err != nil {
		return err
	}
	if _, err := s.driver.Get(ctx, flowKey(f.Account, f.Name)); err == nil {
		return ErrConflict
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	err := s.writeFlow(ctx, f, definition, wake, driver.Condition{Absent: true, Now: s.nowMillis()})
	if !errors.Is(err, ErrConflict) {
		return err
	}
	// Another creation was faster, or this write was sent twice and the second conflicts with the
	// first.
	if row, rerr := s.driver.Get(
		ctx, flowKey(f.Account, f.Name),
	); rerr == nil && row.Fence != f.ID {
		s.driver.Delete(ctx, definitionKey(f.ID, f.Hash), nil)
	}
	return err
}

// UpdateFlow replaces a flow that was read, and raises its ListShards to Options.ListShards. It
// returns ErrConflict if the flow has changed since. At wake, ms since 1970, the sweeper checks
// whether the flow references the new definition and the previous one.
func (s *Store) UpdateFlow(ctx context.Context, f *Flow, definition string, wake int64) error {
	if err := s.diskUse.admit(f.Account); err != nil {
		return err
	}
	cond := driver.Condition{Version: f.Version, Fence: f.ID}
	f.Version++
	f.ListShards = max(f.ListShards, s.listShards)
	if DefinitionHash(definition) == f.Hash {
		return s.writeFlow(ctx, f, definition, wake, cond)
	}
	before, err := s.driver.Get(ctx, definitionKey(f.ID, f.Hash))
	switch {
	case err == nil:
		if err := checkDefinition(before); err != nil {
			return err // a damaged definition must not be written again
		}
		return s.writeFlow(ctx, f, definition, wake, cond,
			s.definitionRow(f, f.Hash, before.Data, wake))
	case errors.Is(err, ErrNotFound):
		return s.writeFlow(ctx, f, definition, wake, cond)
	}
	return err
}

func (s *Store) writeFlow(
	ctx context.Context, f *Flow, definition string, wake int64, cond driver.Condition,
	puts ...driver.Row,
) error {
	f.Hash = DefinitionHash(definition)
	// This also removes the expiry of a definition that was superseded before.
	puts = append(puts, s.definitionRow(f, f.Hash, []byte(definition), wake))
	err := s.commitFlow(ctx, f, cond, puts)
	if err == nil {
		s.diskUse.add(f.Account, int64(len(definition))+2*rowOverhead)
	}
	return err
}

// commitFlow writes puts and the row of a flow.
func (s *Store) commitFlow(
	ctx context.Context, f *Flow, cond driver.Condition, puts []driver.Row,
) error {
	row := f.row()
	err := s.driver.Commit(ctx, puts, row, cond)
	s.flows.invalidate(row.Key, err)
	return err
}

// tombstoneDelay is the longest time from the tombstone to the end of a deletion.
const tombstoneDelay = 2 * time.Minute

// DeleteFlow removes a flow that was read. It writes a tombstone first, so that running executions
// are stopped even if the process crashes. It returns ErrConflict if the flow has changed since it
// was read.
func (s *Store) DeleteFlow(ctx context.Context, f *Flow) error {
	// The sweeper must not read the tombstone before the deletion is done: it would find the flow
	// and cancel the deletion.
	soon := s.nowMillis() + tombstoneDelay.Milliseconds()
	if err := s.PutTombstone(
		ctx, f.ID, Tombstone{Account: f.Account, Name: f.Name, ListShards: f.ListShards}, soon,
	); err != nil {
		return err
	}
	key := flowKey(f.Account, f.Name)
	err := s.driver.Delete(ctx, key, &driver.Condition{Version: f.Version, Fence: f.ID})
	s.flows.invalidate(key, err)
	return err
}

// FlowList is one page of a list of flows.
type FlowList struct {
	Flows []*Flow
	Last  string // name of the last entry read, even if not in Flows, if more are left; "": end
}

// ListFlows lists an account's flows by name, beginning after the given name. It reads at most
// limit entries and returns the flows for whose name keep returns true (nil: all). A flow that it
// omits costs no read of its row.
func (s *Store) ListFlows(
	ctx context.Context, account, after string, limit int, keep func(name string) bool,
) (l FlowList, _ error) {
	from, to := flowSortBounds(account)
	if after != "" {
		from = flowSort(account, after) + "\x00"
	}
	listed, more, err := s.driver.List(ctx, driver.ListRange{Group: flowGroup, From: from, To: to,
		Limit: limit})
	if err != nil {
		return l, err
	}
	for _, entry := range listed {
		name := entry.Sort[len(account)+1:]
		if more {
			l.Last = name
		}
		if keep != nil && !keep(name) {
			continue
		}
		f, err := s.GetFlow(ctx, account, name)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return FlowList{}, err
		}
		l.Flows = append(l.Flows, f)
	}
	return l, nil
}

// CountFlows counts an account's flows, up to limit.
func (s *Store) CountFlows(ctx context.Context, account string, limit int) (int, error) {
	n, full := 0, errors.New("enough")
	from, to := flowSortBounds(account)
	err := s.eachListed(ctx, from, to, func(driver.Listed) error {
		if n++; n >= limit {
			return full
		}
		return nil
	})
	if err == full {
		err = nil
	}
	return n, err
}

// EachFlow calls f for every flow of every account, including flows that are being deleted. It
// stops at the first error of f and returns it. It skips a flow whose row is damaged, and returns
// the error of that row at the end.
func (s *Store) EachFlow(ctx context.Context, f func(*Flow) error) error {
	var damaged error
	err := s.eachListed(ctx, "", "", func(l driver.Listed) error {
		row, err := s.driver.Get(ctx, l.Key)
		if errors.Is(err, ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		one, err := decodeFlow(row)
		if err != nil {
			damaged = errors.Join(damaged, err)
			return nil
		}
		return f(one)
	})
	return cmp.Or(err, damaged)
}

// eachListed visits the entries of the flow list with from <= Sort < to.
func (s *Store) eachListed(
	ctx context.Context, from, to string, visit func(driver.Listed) error,
) error {
	return s.eachInGroup(ctx, flowGroup, from, to, visit)
}

// eachInGroup visits the entries of a group with from <= Sort < to.
func (s *Store) eachInGroup(
	ctx context.Context, group, from, to string, visit func(driver.Listed) error,
) error {
	for {
		listed, more, err := s.driver.List(ctx,
			driver.ListRange{Group: group, From: from, To: to, Limit: 500})
		if err != nil {
			return err
		}
		for _, l := range listed {
			if err := visit(l); err != nil {
				return err
			}
		}
		if !more || len(listed) == 0 {
			return nil
		}
		from = listed[len(listed)-1].Sort + "\x00"
	}
}
