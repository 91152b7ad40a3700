package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
)

// load reads an execution that a command names.
func (s *script) load(args []string) (*store.Execution, error) {
	if len(args) != 1 {
		return nil, errUsage
	}
	partition, err := s.partition(args[0])
	if err != nil {
		return nil, err
	}
	return s.w.store.Load(context.Background(), partition)
}

// rows EXECUTION
func (s *script) doRows(args []string, _ string) error { return s.printRows(args, "") }

// inbox EXECUTION
func (s *script) doInbox(args []string, _ string) error { return s.printRows(args, "b#") }

// printRows prints the rows of an execution whose sort key begins with a prefix.
func (s *script) printRows(args []string, prefix string) error {
	x, err := s.load(args)
	if err != nil {
		return err
	}
	rows, _, err := s.w.mem.Range(context.Background(), driver.Range{Partition: x.Partition()})
	var lines []string
	for _, row := range rows {
		if !strings.HasPrefix(row.Sort, prefix) {
			continue
		}
		text := "row " + maskSort(row.Sort)
		if row.Version > 0 {
			text += fmt.Sprintf(", version %d", row.Version)
		}
		if row.Wake > 0 {
			text += ", wakes at " + s.at(row.Wake)
		}
		lines = append(lines, text)
	}
	if len(lines) == 0 {
		lines = []string{"empty"}
	}
	s.list(lines...)
	return err
}

// history EXECUTION
func (s *script) doHistory(args []string, _ string) error {
	x, err := s.load(args)
	if err != nil {
		return err
	}
	s.list(s.events(x, 1)...)
	return nil
}

// leases EXECUTION
func (s *script) doLeases(args []string, _ string) error {
	x, err := s.load(args)
	if err != nil {
		return err
	}
	lines := s.leases(x)
	if len(lines) == 0 {
		lines = []string{"no attempt is leased"}
	}
	s.list(lines...)
	return nil
}

// calls prints the calls in flight.
func (s *script) doCalls([]string, string) error {
	s.mu.Lock()
	calls := slices.Clone(s.calls)
	s.mu.Unlock()
	var lines []string
	for _, c := range calls {
		lines = append(lines, fmt.Sprintf("%s of %s, attempt %d, by %s", c.state, c.execution,
			c.attempt, c.node.name))
	}
	if len(calls) == 0 {
		lines = []string{"no call is in flight"}
	}
	slices.Sort(lines)
	s.list(lines...)
	return nil
}

// hints prints the hints that wait.
func (s *script) doHints([]string, string) error {
	s.queue.mu.Lock()
	defer s.queue.mu.Unlock()
	var lines []string
	for _, h := range s.queue.waiting {
		lines = append(lines, fmt.Sprintf("a hint for %s, due at %s", executionOf(h.partition),
			s.at(h.due.UnixMilli())))
	}
	if len(lines) == 0 {
		lines = []string{"no hint"}
	}
	slices.Sort(lines)
	s.list(lines...)
	return nil
}

// status EXECUTION
func (s *script) doStatus(args []string, _ string) error {
	x, err := s.load(args)
	if err != nil {
		return err
	}
	text := x.Status.String()
	if x.Error != nil {
		text += " " + x.Error.Name
	}
	if x.Output != nil {
		if err := s.w.store.LoadValues(context.Background(), x, []*flow.Value{x.Output}); err != nil {
			return err
		}
		text += " " + shortValue(x.Output)
	}
	s.list(fmt.Sprintf("%s is %s, version %d", x.Name, text, x.Version))
	return nil
}
