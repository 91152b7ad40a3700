package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"millrace/shared/flow"
)

// Variable is one variable of a flow's environment.
type Variable struct{ Name, Value, Description string }

// Flow is a flow row (execution.md 1.1). The definition's text stands in a row of its own, by its hash.
type Flow struct {
	Fmt             int
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
	Environment     []Variable
	Created         int64 // ms since 1970
	Modified        int64
	Deleting        bool

	// Author is the public id of the key that wrote last what the flow does; "" on an open server.
	// Executions without a role act with its rights.
	Author string `json:",omitempty"`

	// What starts need of the definition, so that they need not read it; 0 in rows of older programs.
	Language       flow.Language `json:",omitempty"`
	TimeoutSeconds int64         `json:",omitempty"`

	Version int64 `json:"-"`
}

// flowFmt is the format of flow rows that this code writes; what to do when it changes is said at executionFmt.
const flowFmt = 1

// ErrFormat says that a row was written by a newer program: it is left alone.
var ErrFormat = errors.New("store: a row has a format that this program does not know; run the newer program")

// GetFlow reads a flow, strongly consistent. ErrNotFound when there is none or it is being deleted.
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
	if f.Deleting {
		return nil, ErrNotFound
	}
	s.flows.put(key, f, writes)
	return f, nil
}

func decodeFlow(row Row) (*Flow, error) {
	var f Flow
	if err := json.Unmarshal(row.Data, &f); err != nil {
		return nil, damagedRow("flow", row.Key, fmt.Errorf("%w: %w", flow.ErrCorrupt, err))
	}
	if f.Fmt != flowFmt {
		return nil, ErrFormat
	}
	if flowKey(f.Account, f.Name) != row.Key || f.ID != row.Fence {
		return nil, damagedRow("flow", row.Key, flow.ErrCorrupt)
	}
	f.Version = row.Version
	return &f, nil
}

// CreateFlow writes a new flow and its definition. ErrConflict when the name is taken: then it leaves nothing behind.
func (s *Store) CreateFlow(ctx context.Context, f *Flow, definition string, wake int64) error {
	f.Version = 1
	if err := s.diskUse.admit(f.Account); err != nil {
		return err
	}
	if _, err := s.driver.Get(ctx, flowKey(f.Account, f.Name)); err == nil {
		return ErrConflict
	} else if !errors.Is(err, ErrNotFound) {
		return err
	}
	err := s.writeFlow(ctx, f, definition, wake, Condition{Absent: true, Now: s.nowMillis()})
	if !errors.Is(err, ErrConflict) {
		return err
	}
	// Another one was faster, or a repeated write has met itself.
	if row, rerr := s.driver.Get(ctx, flowKey(f.Account, f.Name)); rerr == nil && row.Fence != f.ID {
		s.driver.Delete(ctx, definitionKey(f.ID, f.Hash), nil)
	}
	return err
}

// UpdateFlow replaces a flow that was read. ErrConflict when it has changed since. What has become of its definition and of
// the one before is seen to at review, ms since 1970.
func (s *Store) UpdateFlow(ctx context.Context, f *Flow, definition string, wake int64) error {
	if err := s.diskUse.admit(f.Account); err != nil {
		return err
	}
	cond := Condition{Version: f.Version, Fence: f.ID}
	f.Version++
	if DefinitionHash(definition) == f.Hash {
		return s.writeFlow(ctx, f, definition, wake, cond)
	}
	before, err := s.driver.Get(ctx, definitionKey(f.ID, f.Hash))
	switch {
	case err == nil:
		if err := checkDefinition(before); err != nil {
			return err // it is not written anew as it is read
		}
		return s.writeFlow(ctx, f, definition, wake, cond, s.definitionRow(f, f.Hash, before.Data, wake))
	case errors.Is(err, ErrNotFound):
		return s.writeFlow(ctx, f, definition, wake, cond)
	}
	return err
}

func (s *Store) writeFlow(ctx context.Context, f *Flow, definition string, wake int64, cond Condition, puts ...Row) error {
	f.Hash = DefinitionHash(definition)
	row, err := flowRow(f)
	if err != nil {
		return err
	}
	// Written again, a definition that was superseded before has no end any more.
	puts = append(puts, s.definitionRow(f, f.Hash, []byte(definition), wake))
	err = s.driver.Commit(ctx, puts, row, cond)
	if s.flows.invalidate(row.Key, err); err == nil {
		s.diskUse.add(f.Account, int64(len(definition))+2*rowOverhead)
	}
	return err
}

func flowRow(f *Flow) (Row, error) {
	f.Fmt = flowFmt
	data, err := json.Marshal(f)
	return Row{Key: flowKey(f.Account, f.Name), Version: f.Version, Fence: f.ID, Data: data,
		List: &ListEntry{Group: flowGroup, Sort: flowSort(f.Account, f.Name)}}, err
}

// tombstoneDelay is how long a deletion may take from its tombstone to its end.
const tombstoneDelay = 2 * time.Minute

// DeleteFlow removes a flow that was read. A tombstone stands before it, so that what still runs is stopped whatever
// crashes. ErrConflict when the flow has changed since.
func (s *Store) DeleteFlow(ctx context.Context, f *Flow) error {
	// The sweeper must not come before the deletion itself: it would think that nothing was deleted.
	soon := s.nowMillis() + tombstoneDelay.Milliseconds()
	if err := s.PutTombstone(ctx, f.ID, Tombstone{Account: f.Account, Name: f.Name}, soon); err != nil {
		return err
	}
	key := flowKey(f.Account, f.Name)
	err := s.driver.Delete(ctx, key, &Condition{Version: f.Version, Fence: f.ID})
	s.flows.invalidate(key, err)
	return err
}

// FlowList is one read of a list of flows.
type FlowList struct {
	Flows []*Flow
	Last  string // name of the last entry that was looked at, shown or not, when there are more; "" at the end
}

// ListFlows lists an account's flows by name, after the name given, of at most limit entries those
// whose name keep takes (nil: all). Those that it leaves out cost no read of their row.
func (s *Store) ListFlows(ctx context.Context, account, after string, limit int, keep func(name string) bool) (l FlowList, _ error) {
	from, to := flowSortBounds(account)
	if after != "" {
		from = flowSort(account, after) + "\x00"
	}
	listed, more, err := s.driver.List(ctx, ListRange{Group: flowGroup, From: from, To: to, Limit: limit})
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

// CountFlows counts an account's flows, up to most.
func (s *Store) CountFlows(ctx context.Context, account string, limit int) (int, error) {
	n, full := 0, errors.New("enough")
	from, to := flowSortBounds(account)
	err := s.eachListed(ctx, from, to, func(Listed) error {
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

// EachFlow calls f for every flow of every account, also for one that is being deleted. An error of f ends it and is
// returned. A flow whose row is damaged is left out, and its error returned once the others are through.
func (s *Store) EachFlow(ctx context.Context, f func(*Flow) error) error {
	var damaged error
	err := s.eachListed(ctx, "", "", func(l Listed) error {
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

// eachListed visits the entries of the flow list from one sort key to another.
func (s *Store) eachListed(ctx context.Context, from, to string, visit func(Listed) error) error {
	return s.eachInGroup(ctx, flowGroup, from, to, visit)
}

// eachInGroup visits the entries of a group from one sort key to another.
func (s *Store) eachInGroup(ctx context.Context, group, from, to string, visit func(Listed) error) error {
	for {
		listed, more, err := s.driver.List(ctx, ListRange{Group: group, From: from, To: to, Limit: 500})
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
