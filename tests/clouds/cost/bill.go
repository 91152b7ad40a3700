package cost

// Bill is what an execution has used in a cloud.
type Bill struct {
	Flow        string
	Used        []float64 // units, for each line of the cloud
	IndexWrites float64   // part of the writes: those to the indexes
	IndexReads  float64   // part of the reads: those that maintain the indexes
	States      int       // executed states: transitions of Step Functions, steps of CloudFlow
}

// Services returns the services that a cloud bills, in the order of its lines.
func (h Cloud) Services() (all []string) {
	for _, l := range h.Lines {
		if len(all) == 0 || all[len(all)-1] != l.Service {
			all = append(all, l.Service)
		}
	}
	return all
}

// USD returns the cost of a service in a bill, in dollars.
func (h Cloud) USD(b Bill, service string) (usd float64) {
	for i, l := range h.Lines {
		if l.Service == service {
			usd += b.Used[i] * l.USD
		}
	}
	return usd
}

// Total returns the price of the execution, in dollars.
func (h Cloud) Total(b Bill) (usd float64) {
	for i, l := range h.Lines {
		usd += b.Used[i] * l.USD
	}
	return usd
}

// Elsewhere returns the cost of the same flow, in dollars, where each executed state has a price.
func (b Bill) Elsewhere(p Price) float64 { return float64(b.States) * p.USD }
