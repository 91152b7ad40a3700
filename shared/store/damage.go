package store

import (
	"errors"
	"fmt"

	"millrace/shared/flow"
)

// IsDamaged reports whether an error says that stored rows are not as they were written. The
// caller must write nothing that follows from such a row, and goes on with everything else.
//
// What cannot be noticed: a change after which a row says something else that is well-formed, and
// stands under the right key. Stores guard their rows against that with checksums of their own.
func IsDamaged(err error) bool {
	return errors.Is(err, flow.ErrCorrupt) || errors.Is(err, ErrMissing) || errors.Is(err, ErrFormat)
}

func damagedRow(kind string, k Key, err error) error {
	return fmt.Errorf("store: %s row %s %s: %w", kind, k.Partition, k.Sort, err)
}

// checkEvents checks that events that were read follow each other without a gap, from first on. A row
// that has lost its end may still be read, up to there.
func checkEvents(k Key, first int64, events []flow.HistoryEvent) error {
	for i := range events {
		if events[i].ID != first+int64(i) {
			return damagedRow("history", k, flow.ErrCorrupt)
		}
	}
	return nil
}

// decodeHistory reads the events of a history row, which its key names the first of.
func decodeHistory(row Row, x *Execution) ([]flow.HistoryEvent, error) {
	events, err := flow.DecodeEvents(row.Data, x.Started)
	switch {
	case err != nil:
		return nil, damagedRow("history", row.Key, err)
	case len(events) == 0 || eventSort(x.Run, events[0].ID) != row.Sort:
		return nil, damagedRow("history", row.Key, flow.ErrCorrupt)
	}
	return events, checkEvents(row.Key, events[0].ID, events)
}

// checkDefinition checks that a definition's row holds the text that its key names.
func checkDefinition(row Row) error {
	if DefinitionHash(string(row.Data)) != row.Sort {
		return damagedRow("definition", row.Key, flow.ErrCorrupt)
	}
	return nil
}
