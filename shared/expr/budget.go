package expr

// Budget bounds the work of one fold: nodes evaluated and bytes built. The zero value allows nothing.
// Evaluations take from it what they use; it is not safe for several goroutines at once.
type Budget struct {
	Nodes  int  // evaluation steps left; walking through a value or a text counts too
	Bytes  int  // bytes of new strings and containers left
	Strict bool // a path of the older language that selects nothing is an error in a Template, not null
}

// DefaultBudget is enough for any sensible flow: 100,000 steps and 4 MiB.
func DefaultBudget() Budget { return Budget{Nodes: 100_000, Bytes: 4 << 20} }
