package expr

// Budget bounds the work of one fold: nodes evaluated and bytes built. The zero value allows nothing.
// Evaluations take from it what they use; it is not safe for several goroutines at once.
type Budget struct {
	Nodes      int  // evaluation steps left; walking through a value or a text counts too
	Bytes      int  // bytes of new strings and containers left
	Strict     bool // a path of the older language that selects nothing is an error in a Template, not null
	OmitAbsent bool // a member of an object Template whose path selects nothing is left out; Strict does not count then

	patterns map[string]pattern // that have been compiled on it
}

// DefaultBudget is enough for any sensible flow: 100,000 steps and 4 MiB.
func DefaultBudget() Budget { return Budget{Nodes: 100_000, Bytes: 4 << 20} }

var (
	errNodes error = failure("the expression does too much work: it takes too many steps")
	errBytes error = failure("the expression does too much work: it builds too much data")
)

// What containers are taken to cost, in bytes.
const (
	elementBytes = 16 // of an array
	memberBytes  = 48 // of an object
	numberBytes  = 32 // a new number
)

// step pays for n steps. An empty budget stays empty.
func (b *Budget) step(n int) error {
	if b.Nodes -= n; b.Nodes < 0 {
		b.Nodes = 0
		return errNodes
	}
	return nil
}

// scan pays for looking at n bytes, which is much cheaper than evaluating n nodes.
func (b *Budget) scan(n int) error { return b.step(n / 64) }

// grow pays for n bytes.
func (b *Budget) grow(n int) error {
	if b.Bytes -= n; b.Bytes < 0 {
		b.Bytes = 0
		return errBytes
	}
	return nil
}

// array makes an empty array with room for n elements.
func (b *Budget) array(n int) ([]any, error) {
	if err := b.grow(24 + n*elementBytes); err != nil {
		return nil, err
	}
	return make([]any, 0, n), nil
}

// object makes an empty object with room for n members.
func (b *Budget) object(n int) (map[string]any, error) {
	if err := b.grow(48 + n*memberBytes); err != nil {
		return nil, err
	}
	return make(map[string]any, n), nil
}

// text gives a new string as a value.
func (b *Budget) text(s string) (any, error) {
	if err := b.grow(elementBytes + len(s)); err != nil {
		return nil, err
	}
	return s, nil
}
