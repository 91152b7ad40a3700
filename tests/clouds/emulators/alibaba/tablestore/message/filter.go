package message

import "millrace/tests/clouds/emulators/alibaba/tablestore/plainbuffer"

// Kinds of a filter.
const (
	FilterSingle     = 1
	FilterComposite  = 2
	FilterPagination = 3
)

// Comparators of a single column.
const (
	Equal        = 1
	NotEqual     = 2
	Greater      = 3
	GreaterEqual = 4
	Less         = 5
	LessEqual    = 6
)

// Combinators.
const (
	Not = 1
	And = 2
	Or  = 3
)

// Filter is a condition on columns, or a selection of them.
type Filter struct {
	Kind int32

	// Of FilterSingle.
	Comparator    int32
	Column        string
	Value         plainbuffer.Value
	FailIfMissing bool // filter_if_missing: a missing column fails the condition
	LatestOnly    bool
	Transfers     bool // has a value_trans_rule

	// Of FilterComposite.
	Combinator int32
	Sub        []*Filter

	// Of FilterPagination.
	Offset, Limit int32
}

// maxDepth limits the nesting of filters.
const maxDepth = 32

// DecodeFilter decodes a Filter with its nested filters.
func DecodeFilter(b []byte) (*Filter, error) { return decodeFilter(b, 0) }

func decodeFilter(b []byte, depth int) (*Filter, error) {
	if depth > maxDepth {
		return nil, malformed("filters too deep")
	}
	m := &Filter{}
	var inner []byte
	err := decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Kind)
		case 2:
			r.bytes(f, &inner)
		}
	}, 1, 2)
	if err != nil {
		return nil, err
	}
	switch m.Kind {
	case FilterSingle:
		err = m.decodeSingle(inner)
	case FilterComposite:
		err = m.decodeComposite(inner, depth)
	case FilterPagination:
		err = m.decodePagination(inner)
	default:
		err = malformed("a filter of kind %d", m.Kind)
	}
	return m, err
}

func (m *Filter) decodeSingle(b []byte) error {
	var value []byte
	err := decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Comparator)
		case 2:
			r.string(f, &m.Column)
		case 3:
			r.bytes(f, &value)
		case 4:
			r.bool(f, &m.FailIfMissing)
		case 5:
			r.bool(f, &m.LatestOnly)
		case 6:
			m.Transfers = true
		}
	}, 1, 2, 3, 4, 5)
	if err != nil {
		return err
	}
	if m.Comparator < Equal || m.Comparator > LessEqual {
		return malformed("comparator %d", m.Comparator)
	}
	if m.Value, err = plainbuffer.DecodeVariant(value); err != nil {
		return malformed("%v", err)
	}
	return nil
}

func (m *Filter) decodeComposite(b []byte, depth int) error {
	err := decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Combinator)
		case 2:
			nested(r, f, func(b []byte) (*Filter, error) { return decodeFilter(b, depth+1) },
				func(v *Filter) { m.Sub = append(m.Sub, v) })
		}
	}, 1)
	if err != nil {
		return err
	}
	switch n := len(m.Sub); {
	case m.Combinator == Not && n != 1, (m.Combinator == And || m.Combinator == Or) && n < 2:
		return malformed("combinator %d of %d filters", m.Combinator, n)
	case m.Combinator < Not || m.Combinator > Or:
		return malformed("combinator %d", m.Combinator)
	}
	return nil
}

func (m *Filter) decodePagination(b []byte) error {
	return decode(b, func(r *reader, f field) {
		switch f.number {
		case 1:
			r.int32(f, &m.Offset)
		case 2:
			r.int32(f, &m.Limit)
		}
	}, 1, 2)
}

// Leaves returns the number of conditions in a filter.
func (m *Filter) Leaves() int {
	if m.Kind != FilterComposite {
		return 1
	}
	n := 0
	for _, s := range m.Sub {
		n += s.Leaves()
	}
	return n
}
