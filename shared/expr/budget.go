package expr

// Budget bounds the work of evaluations, usually of one transition: nodes evaluated and bytes
// built. The zero value allows nothing. Evaluations subtract what they use. A Budget must not be
// used by several goroutines at once.
type Budget struct {
	Nodes int // evaluation steps left; walking a value or a text counts too
	Bytes int // bytes of new strings and containers left
	// Strict makes a FlowV1 path in a Template that selects nothing an error instead of null.
	Strict bool
	// OmitAbsent makes an object Template leave out members whose path selects nothing. It takes
	// precedence over Strict.
	OmitAbsent bool

	patterns map[string]pattern // the patterns compiled so far
}

// DefaultBudget returns a budget that suffices for any sensible flow: 100,000 steps and 4 MiB.
func DefaultBudget() Budget { return Budget{Nodes: 100_000, Bytes: 4 << 20} }

var (
	errNodes error = failure("the expression does too much work: it takes too many steps")
	errBytes error = failure("the expression does too much work: it builds too much data")
)

// The bytes that parts of values count for.
const (
	elementBytes = 16 // an element of an array
	memberBytes  = 48 // a member of an object
	numberBytes  = 32 // a new number
)

// step charges n steps. After a failure the budget stays empty.
func (b *Budget) step(n int) error {
	if b.Nodes -= n; b.Nodes < 0 {
		b.Nodes = 0
		return errNodes
	}
	return nil
}

// scan charges for looking at n bytes, which is much cheaper than evaluating n nodes.
func (b *Budget) scan(n int) error { return b.step(n / 64) }

// grow charges n bytes.
func (b *Budget) grow(n int) error {
	if b.Bytes -= n; b.Bytes < 0 {
		b.Bytes = 0
		return errBytes
	}
	return nil
}

// array returns an empty array with capacity for n elements.
func (b *Budget) array(n int) ([]any, error) {
	if err := b.grow(24 + n*elementBytes); err != nil {
		return nil, err
	}
	return make([]any, 0, n), nil
}

// object returns an empty object with capacity for n members.
func (b *Budget) object(n int) (map[string]any, error) {
	if err := b.grow(48 + n*memberBytes); err != nil {
		return nil, err
	}
	return make(map[string]any, n), nil
}

// text returns a new string as a value.
func (b *Budget) text(s string) (any, error) {
	if err := b.grow(elementBytes + len(s)); err != nil {
		return nil, err
	}
	return s, nil
}
