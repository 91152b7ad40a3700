package store

import (
	"errors"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// IsDamaged reports whether an error says that stored rows are not as they were written. The caller
// must write nothing that follows from such a row, and goes on with everything else.
//
// It does not detect a change after which a row is well-formed, has the right key, and says
// something else. Stores protect their rows against that with checksums of their own.
func IsDamaged(err error) bool {
	return errors.Is(err, flow.ErrCorrupt) || errors.Is(err, ErrMissing) ||
		errors.Is(err, ErrFormat)
}

func damagedRow(kind string, k driver.Key, err error) error {
	return fmt.Errorf("store: %s row %s %s: %w", kind, k.Partition, k.Sort, err)
}

// checkEvents checks that events follow each other without a gap, beginning with id first. A row
// that has lost its end can still be read up to the damage.
func checkEvents(k driver.Key, first int64, events []flow.HistoryEvent) error {
	for i := range events {
		if events[i].ID != first+int64(i) {
			return damagedRow("history", k, flow.ErrCorrupt)
		}
	}
	return nil
}

// decodeHistory reads the events of a history row. The row's key has the id of the first event.
func decodeHistory(row driver.Row, x *Execution) ([]flow.HistoryEvent, error) {
	events, err := flow.DecodeEvents(row.Data, x.Started)
	switch {
	case err != nil:
		return nil, damagedRow("history", row.Key, err)
	case len(events) == 0 || eventSort(x.Run, events[0].ID) != row.Sort:
		return nil, damagedRow("history", row.Key, flow.ErrCorrupt)
	}
	return events, checkEvents(row.Key, events[0].ID, events)
}

// checkDefinition checks that the text in a definition's row has the hash in its key.
func checkDefinition(row driver.Row) error {
	if DefinitionHash(string(row.Data)) != row.Sort {
		return damagedRow("definition", row.Key, flow.ErrCorrupt)
	}
	return nil
}
