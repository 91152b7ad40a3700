package cost

// Bill is what an execution has used at a home.
type Bill struct {
	Flow        string
	Used        []float64 // units, for each line of the home
	IndexWrites float64   // of the writes, those of the indexes
	IndexReads  float64   // of the reads, those of keeping the indexes
	States      int       // executed ones: transitions of Step Functions, steps of CloudFlow
}

// Services are those that a home bills, in the order of its lines.
func (h Cloud) Services() (all []string) {
	for _, l := range h.Lines {
		if len(all) == 0 || all[len(all)-1] != l.Service {
			all = append(all, l.Service)
		}
	}
	return all
}

// USD is what a service costs of a bill, in dollars.
func (h Cloud) USD(b Bill, service string) (usd float64) {
	for i, l := range h.Lines {
		if l.Service == service {
			usd += b.Used[i] * l.USD
		}
	}
	return usd
}

// Total is the price of the execution, in dollars.
func (h Cloud) Total(b Bill) (usd float64) {
	for i, l := range h.Lines {
		usd += b.Used[i] * l.USD
	}
	return usd
}

// Elsewhere is what the same flow costs where each executed state has a price, in dollars.
func (b Bill) Elsewhere(p Price) float64 { return float64(b.States) * p.USD }
