package tablestore

import (
	"strings"

	"millrace/tests/clouds/emulators/alibaba/tablestore/message"
	"millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"
)

// filterOf decodes a filter of a request; nil if there is none.
func filterOf(b []byte, pages bool) (*message.Filter, *Error) {
	if len(b) == 0 {
		return nil, nil
	}
	f, err := message.DecodeFilter(b)
	if err != nil {
		return nil, invalid("Invalid filter: %v.", err)
	}
	if n := f.Leaves(); n > maxLeaves {
		return nil, invalid("The number of conditions exceeds the limit: %d, condition count: %d.",
			maxLeaves, n)
	}
	return f, checkFilter(f, pages)
}

// checkFilter reports why a filter is not allowed. pages is whether the filter may be a pagination.
func checkFilter(f *message.Filter, pages bool) *Error {
	switch {
	case f.Kind == message.FilterPagination && (!pages || f.Offset < 0 || f.Limit < 1):
		return invalid("Invalid filter: a column pagination stands alone, with an offset of at " +
			"least 0 and a limit of at least 1.")
	case f.Kind == message.FilterSingle && f.Transfers:
		return invalid("value_trans_rule is not supported by the emulator.")
	}
	for _, s := range f.Sub {
		if err := checkFilter(s, false); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a row matches a filter; r is nil for a missing row.
func (t *table) holds(f *message.Filter, r *row) bool {
	switch f.Kind {
	case message.FilterComposite:
		return t.holdsComposite(f, r)
	case message.FilterSingle:
		versions := t.valuesOf(f.Column, r)
		if len(versions) == 0 {
			return !f.FailIfMissing
		}
		if f.LatestOnly {
			versions = versions[:1]
		}
		for _, v := range versions {
			if compares(f.Comparator, v.value, f.Value) {
				return true
			}
		}
		return false
	}
	return true
}

func (t *table) holdsComposite(f *message.Filter, r *row) bool {
	switch f.Combinator {
	case message.Not:
		return !t.holds(f.Sub[0], r)
	case message.Or:
		for _, s := range f.Sub {
			if t.holds(s, r) {
				return true
			}
		}
		return false
	}
	for _, s := range f.Sub {
		if !t.holds(s, r) {
			return false
		}
	}
	return true
}

// valuesOf returns the versions of a column, which may be a key column.
func (t *table) valuesOf(name string, r *row) []version {
	if r == nil {
		return nil
	}
	for i, k := range t.key {
		if k.Name == name {
			return []version{{value: r.key.values[i]}}
		}
	}
	if i, ok := r.find(name); ok {
		return r.columns[i].versions
	}
	return nil
}

// compares reports whether a comparison holds. Values of different types are neither ordered, nor
// equal, nor unequal.
func compares(comparator int32, a, b plainbuffer.Value) bool {
	if a.Kind != b.Kind {
		return false
	}
	var order int
	switch a.Kind {
	case plainbuffer.Double:
		order = compare(a.Double(), b.Double())
	case plainbuffer.Integer, plainbuffer.Boolean:
		order = compare(a.Num, b.Num)
	default:
		order = strings.Compare(a.Text, b.Text)
	}
	switch comparator {
	case message.Equal:
		return order == 0
	case message.NotEqual:
		return order != 0
	case message.Greater:
		return order > 0
	case message.GreaterEqual:
		return order >= 0
	case message.Less:
		return order < 0
	}
	return order <= 0
}
